import { Plus, X } from 'lucide-react';
import { useState, type Ref } from 'react';
import { Button } from '../../components/button.tsx';
import type { FieldControlProps } from './field-control.tsx';
import styles from './field-control.module.css';
import { formatScalar, parseMapValue } from './field-text.ts';
import type { SettingValue, SettingValues } from './edits.ts';
import { holdsMask } from './settings-schema.ts';

/** Names with a value each, changed one by one: what is masked and not touched is never written back. */
export function MapControl({
  field,
  labelId,
  of,
  controlRef,
  onEntryChange,
}: FieldControlProps & { readonly of: 'text' | 'json' }) {
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const isReadOnly = field.readOnlyReason !== undefined;
  const entries = entriesOf(field.value);
  const canAdd = name.trim() !== '' && !entries.some(([each]) => each === name.trim());
  const add = (): void => {
    if (!canAdd) return;
    onEntryChange(name.trim(), parseMapValue(of, value));
    setName('');
    setValue('');
  };
  return (
    <div role="group" aria-labelledby={labelId} className={styles['map']}>
      {entries.map(([each, entry]) => (
        <MapEntry
          key={each}
          name={each}
          value={entry}
          of={of}
          isReadOnly={isReadOnly}
          onChange={(next) => onEntryChange(each, next)}
        />
      ))}
      {isReadOnly ? (
        entries.length === 0 ? (
          <span className={styles['none']}>none</span>
        ) : null
      ) : (
        <div className={styles['entry']}>
          <input
            ref={controlRef as Ref<HTMLInputElement>}
            className={styles['input']}
            aria-label={`${field.label}: new name`}
            placeholder={of === 'text' ? 'NAME' : 'name'}
            spellCheck={false}
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
          <input
            className={styles['input']}
            aria-label={`${field.label}: new value`}
            placeholder="value"
            spellCheck={false}
            value={value}
            onChange={({ target }) => setValue(target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter') add();
            }}
          />
          <Button kind="quiet" aria-label={`Add to ${field.label}`} disabled={!canAdd} onClick={add}>
            <Plus size={14} aria-hidden />
          </Button>
        </div>
      )}
    </div>
  );
}

function MapEntry({
  name,
  value,
  of,
  isReadOnly,
  onChange,
}: {
  readonly name: string;
  readonly value: SettingValue;
  readonly of: 'text' | 'json';
  readonly isReadOnly: boolean;
  onChange(value: SettingValue | undefined): void;
}) {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const isHidden = holdsMask(value);
  return (
    <div className={styles['entry']}>
      <code className={styles['name']} title={name}>
        {name}
      </code>
      <input
        className={styles['input']}
        aria-label={`Value of ${name}`}
        placeholder={isHidden ? 'set, not shown' : ''}
        spellCheck={false}
        readOnly={isReadOnly}
        value={isHidden ? '' : (draft ?? formatScalar(value))}
        onChange={({ target }) => {
          setDraft(target.value);
          onChange(parseMapValue(of, target.value));
        }}
        onBlur={() => setDraft(undefined)}
      />
      {isReadOnly ? null : (
        <Button kind="quiet" aria-label={`Remove ${name}`} onClick={() => onChange(undefined)}>
          <X size={14} aria-hidden />
        </Button>
      )}
    </div>
  );
}

function entriesOf(value: SettingValue | undefined): [string, SettingValue][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value as SettingValues);
}
