import { Toggle } from '@base-ui/react/toggle';
import { ToggleGroup } from '@base-ui/react/toggle-group';
import type { ReactNode } from 'react';
import styles from './choice-group.module.css';

/** One of a few, side by side; arrows move between them. */
export function ChoiceGroup<Value extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly { readonly value: Value; readonly label: ReactNode }[];
  onChange(value: Value): void;
}) {
  return (
    <ToggleGroup
      className={styles['group']}
      aria-label={label}
      value={[value]}
      onValueChange={(chosen: readonly Value[]) => {
        const [next] = chosen;
        if (next !== undefined) onChange(next);
      }}
    >
      {choices.map((choice) => (
        <Toggle key={choice.value} value={choice.value} className={styles['choice']}>
          {choice.label}
        </Toggle>
      ))}
    </ToggleGroup>
  );
}
