import { Popover as Base } from '@base-ui/react/popover';
import type { ReactElement, ReactNode } from 'react';
import styles from './popover.module.css';

/** What an act costs or means, beside its button, before it happens. Not modal: nothing else is held up. */
export function Popover({
  trigger,
  title,
  isOpen,
  onOpenChange,
  children,
}: {
  readonly trigger: ReactElement;
  readonly title: string;
  readonly isOpen?: boolean;
  readonly onOpenChange?: (isOpen: boolean) => void;
  readonly children: ReactNode;
}) {
  return (
    <Base.Root
      {...(isOpen === undefined ? {} : { open: isOpen })}
      {...(onOpenChange === undefined ? {} : { onOpenChange })}
    >
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={6} align="end" className={styles['positioner']}>
          <Base.Popup className={styles['popup']}>
            <Base.Title render={<h2 />}>{title}</Base.Title>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export const PopoverClose = Base.Close;
