import { Menu as Base } from '@base-ui/react/menu';
import type { ReactElement } from 'react';
import styles from './menu.module.css';

export interface MenuChoice {
  readonly label: string;
  readonly hint?: string;
  readonly isDisabled?: boolean;
  run(): void;
}

export function Menu({
  trigger,
  choices,
}: {
  readonly trigger: ReactElement;
  readonly choices: readonly MenuChoice[];
}) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className={styles['positioner']}>
          <Base.Popup className={styles['popup']}>
            {choices.map(({ label, hint, isDisabled = false, run }) => (
              <Base.Item key={label} className={styles['item']} disabled={isDisabled} onClick={run}>
                <span>{label}</span>
                {hint === undefined ? null : <span className={styles['hint']}>{hint}</span>}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
