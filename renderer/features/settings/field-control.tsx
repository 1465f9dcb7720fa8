import { Switch } from '@base-ui/react/switch';
import { useState, type Ref } from 'react';
import { Button } from '../../components/button.tsx';
import { isSameValue, type SettingValue } from './edits.ts';
import styles from './field-control.module.css';
import { formatValue, parseText } from './field-text.ts';
import { MapControl } from './map-control.tsx';
import type { SettingField } from './settings-form.ts';

export interface FieldControlProps {
  readonly field: SettingField;
  readonly labelId: string;
  readonly helpId: string;
  readonly controlRef: Ref<HTMLElement>;
  /** Undefined: the setting is left out. */
  onChange(value: SettingValue | undefined): void;
  onEntryChange(name: string, value: SettingValue | undefined): void;
}

/** What a setting is changed with, by the kind of value that it takes. */
export function FieldControl(props: FieldControlProps) {
  switch (props.field.kind.type) {
    case 'switch':
      return <SwitchControl {...props} />;
    case 'choice':
      return <ChoiceControl {...props} choices={props.field.kind.choices} />;
    case 'secret':
      return <SecretControl {...props} />;
    case 'map':
      return <MapControl {...props} of={props.field.kind.of} />;
    case 'number':
    case 'number-or-word':
    case 'duration':
    case 'size':
    case 'text':
    case 'list':
    case 'command':
      return <TextControl {...props} />;
  }
}

function ariaProps({ field, labelId, helpId }: FieldControlProps) {
  return {
    'aria-labelledby': labelId,
    'aria-describedby': helpId,
    'aria-invalid': field.issues.length > 0,
  } as const;
}

function SwitchControl(props: FieldControlProps) {
  const { field, controlRef, onChange } = props;
  const isOn = (field.value ?? field.defaultValue) === true;
  return (
    <Switch.Root
      {...ariaProps(props)}
      ref={controlRef}
      className={styles['switch']}
      checked={isOn}
      disabled={field.readOnlyReason !== undefined}
      onCheckedChange={(next) => onChange(next)}
    >
      <Switch.Thumb className={styles['thumb']} />
    </Switch.Root>
  );
}

function ChoiceControl(props: FieldControlProps & { readonly choices: readonly string[] }) {
  const { field, choices, controlRef, onChange } = props;
  const shown = typeof field.value === 'string' ? field.value : '';
  return (
    <select
      {...ariaProps(props)}
      ref={controlRef as Ref<HTMLSelectElement>}
      className={styles['input']}
      value={shown}
      disabled={field.readOnlyReason !== undefined}
      onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
    >
      <option value="">{field.placeholder === '' ? 'not set' : field.placeholder}</option>
      {/* What the file says stays visible, though it is none of the choices. */}
      {shown !== '' && !choices.includes(shown) ? <option value={shown}>{shown}</option> : null}
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
    </select>
  );
}

function TextControl(props: FieldControlProps) {
  const { field, controlRef, onChange } = props;
  const { kind, value } = field;
  const [draft, setDraft] = useState('');
  // What was typed stays as it was typed, as long as it means what the setting is.
  const text = isSameValue(parseText(kind, draft, value), value) ? draft : formatValue(value);
  const shared = {
    ...ariaProps(props),
    value: text,
    placeholder: field.placeholder === '' ? 'not set' : field.placeholder,
    readOnly: field.readOnlyReason !== undefined,
    spellCheck: false,
    autoComplete: 'off',
    onChange: ({ target }: { target: { value: string } }) => {
      setDraft(target.value);
      onChange(parseText(kind, target.value, value));
    },
  };
  if (kind.type === 'list' || Array.isArray(value)) {
    return (
      <textarea
        {...shared}
        ref={controlRef as Ref<HTMLTextAreaElement>}
        className={styles['lines']}
        rows={Math.min(8, Math.max(1, text.split('\n').length))}
      />
    );
  }
  const isShort = kind.type !== 'text' && kind.type !== 'command';
  return (
    <input
      {...shared}
      ref={controlRef as Ref<HTMLInputElement>}
      className={isShort ? styles['short'] : styles['input']}
      inputMode={kind.type === 'number' ? 'numeric' : 'text'}
    />
  );
}

function SecretControl(props: FieldControlProps) {
  const { field, controlRef, onChange } = props;
  const isReadOnly = field.readOnlyReason !== undefined;
  return (
    <span className={styles['row']}>
      <input
        {...ariaProps(props)}
        ref={controlRef as Ref<HTMLInputElement>}
        className={styles['input']}
        type="password"
        autoComplete="new-password"
        spellCheck={false}
        value={typeof field.value === 'string' ? field.value : ''}
        placeholder={field.hiddenText ?? 'not set'}
        readOnly={isReadOnly}
        onChange={({ target }) => onChange(target.value)}
      />
      {field.hiddenText === undefined || isReadOnly ? null : (
        <Button aria-label={`Remove ${field.label}`} onClick={() => onChange(undefined)}>
          Remove
        </Button>
      )}
    </span>
  );
}
