import { Undo2 } from 'lucide-react';
import { useEffect, useId, useRef } from 'react';
import { Button } from '../../components/button.tsx';
import { valueAt, type SettingValue } from './edits.ts';
import { FieldControl } from './field-control.tsx';
import type { FieldGroup, FieldSpec } from './field-table.ts';
import { describeSyntax } from './field-text.ts';
import { describeField } from './settings-form.ts';
import { useSettingsStore } from './settings-store.ts';
import { useSettingsForm } from './use-settings-form.ts';
import styles from './setting-row.module.css';

export function SettingGroup({ group }: { readonly group: FieldGroup }) {
  const headingId = useId();
  return (
    <section className={styles['group']} aria-labelledby={headingId}>
      <h2 id={headingId}>{group.title}</h2>
      {group.fields.map((spec) => (
        <SettingRow key={JSON.stringify(spec.path)} spec={spec} />
      ))}
    </section>
  );
}

/** One setting: what it is called, what it is now, what it means, what is wrong with it. */
export function SettingRow({ spec }: { readonly spec: FieldSpec }) {
  const { context, change, revert } = useSettingsForm();
  const field = describeField(context, spec);
  const isTarget = useSettingsStore(({ target }) => target !== undefined && target === field?.key);
  const control = useRef<HTMLElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isTarget) return;
    control.current?.scrollIntoView({ block: 'center' });
    control.current?.focus();
    useSettingsStore.setState({ target: undefined });
  }, [isTarget]);

  if (field === undefined) return null;
  const put = (value: SettingValue | undefined, name?: string): void => {
    // An emptied secret is one that was not typed after all; to remove it is a button of its own.
    if (field.kind.type === 'secret' && value === '' && field.isChanged) {
      revert(field.path);
      return;
    }
    const path = name === undefined ? [...field.path] : [...field.path, name];
    // A switch that is back where its default holds anyway needs no line in the file.
    const isDefault =
      field.kind.type === 'switch' &&
      value === (field.defaultValue ?? false) &&
      valueAt(context.values, path) === undefined;
    change({ path, ...(value === undefined || isDefault ? {} : { value }) });
  };
  const helpId = `${id}-help`;
  return (
    <div className={styles['row']} data-setting={field.pathText} data-changed={field.isChanged}>
      <div className={styles['head']}>
        <span className={styles['label']} id={`${id}-label`}>
          {field.label}
        </span>
        {field.isInactive ? <span className={styles['tag']}>no effect in this version</span> : null}
        {field.isChanged ? <span className={styles['changed']}>changed</span> : null}
      </div>
      <div className={styles['control']}>
        <FieldControl
          field={field}
          labelId={`${id}-label`}
          helpId={helpId}
          controlRef={control}
          onChange={put}
          onEntryChange={(name, value) => put(value, name)}
        />
        {field.isChanged ? (
          <Button
            kind="quiet"
            aria-label={`Take back the change of ${field.label}`}
            title="Take back the change"
            onClick={() => revert(field.path)}
          >
            <Undo2 size={14} aria-hidden />
          </Button>
        ) : null}
      </div>
      <div className={styles['help']} id={helpId}>
        {field.issues.map((issue) => (
          <p key={issue} className={styles['issue']}>
            {issue}
          </p>
        ))}
        <p>
          <HelpText text={`${field.help} ${describeSyntax(field.kind)}`} />
        </p>
        {field.readOnlyReason === undefined ? null : <p className={styles['locked']}>{field.readOnlyReason}</p>}
        <code className={styles['path']}>{field.pathText}</code>
      </div>
    </div>
  );
}

/** The schema marks names and values by backticks. */
function HelpText({ text }: { readonly text: string }) {
  return text.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={index}>{part}</code>));
}
