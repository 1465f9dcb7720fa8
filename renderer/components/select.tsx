import { Select as Base } from '@base-ui/react/select';
import { Check, ChevronsUpDown } from 'lucide-react';
import type { ReactNode } from 'react';
import styles from './select.module.css';

export interface SelectOption {
  readonly value: string;
  readonly label: string;
  /** Before the label: a dot, say. */
  readonly mark?: ReactNode;
}

/** One of many, in a list that opens; typing finds it. */
export function Select({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly SelectOption[];
  onChange(value: string): void;
}) {
  const chosen = options.find((option) => option.value === value);
  return (
    <Base.Root
      modal={false}
      value={value}
      items={options}
      onValueChange={(next) => {
        if (next !== null) onChange(next);
      }}
    >
      <Base.Trigger className={styles['trigger']} aria-label={label}>
        {chosen?.mark}
        <Base.Value className={styles['value']}>{chosen?.label ?? value}</Base.Value>
        <ChevronsUpDown size={13} aria-hidden className={styles['icon']} />
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="start" alignItemWithTrigger={false} className={styles['positioner']}>
          <Base.Popup className={styles['popup']}>
            <Base.List className={styles['list']}>
              {options.map((option) => (
                <Base.Item key={option.value} value={option.value} label={option.label} className={styles['item']}>
                  {option.mark}
                  <Base.ItemText className={styles['text']}>{option.label}</Base.ItemText>
                  <Base.ItemIndicator className={styles['indicator']}>
                    <Check size={13} aria-hidden />
                  </Base.ItemIndicator>
                </Base.Item>
              ))}
            </Base.List>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
