import { Autocomplete } from '@base-ui/react/autocomplete';
import { useState } from 'react';
import styles from './settings-search.module.css';
import { pathKey } from './setting-path.ts';
import { listAllFields, searchFields, type FoundField } from './settings-form.ts';
import { jumpToField } from './settings-store.ts';
import { useSettingsForm } from './use-settings-form.ts';

const MAX_SHOWN = 30;

/** Finds a setting by what it is called, by its path or by what it does, and puts the keyboard into it. */
export function SettingsSearch() {
  const { context, devices } = useSettingsForm();
  const [typed, setTyped] = useState('');
  const found = typed.trim() === '' ? [] : searchFields(listAllFields(context, devices), typed).slice(0, MAX_SHOWN);
  const jump = (field: FoundField): void => {
    setTyped('');
    jumpToField(field.section, field.path, pathKey(field.path));
  };
  return (
    <Autocomplete.Root
      items={found}
      filter={null}
      value={typed}
      onValueChange={(value, { reason }) => {
        // A chosen item would fill the field with its name.
        if (reason !== 'item-press') setTyped(value);
      }}
      itemToStringValue={(field: FoundField) => field.label}
      autoHighlight
    >
      <Autocomplete.Input className={styles['input']} placeholder="Find a setting" aria-label="Find a setting" />
      <Autocomplete.Portal>
        <Autocomplete.Positioner sideOffset={4} align="end" className={styles['positioner']}>
          <Autocomplete.Popup className={styles['popup']}>
            <Autocomplete.Empty className={styles['empty']}>
              {typed.trim() === '' ? 'Type a name, a path or what it does.' : 'No setting is about that.'}
            </Autocomplete.Empty>
            <Autocomplete.List className={styles['list']}>
              {(field: FoundField) => (
                <Autocomplete.Item
                  key={field.pathText}
                  value={field}
                  className={styles['item']}
                  onClick={() => jump(field)}
                >
                  <span>
                    {field.label} <span className={styles['section']}>{field.sectionTitle}</span>
                  </span>
                  <code>{field.pathText}</code>
                </Autocomplete.Item>
              )}
            </Autocomplete.List>
          </Autocomplete.Popup>
        </Autocomplete.Positioner>
      </Autocomplete.Portal>
    </Autocomplete.Root>
  );
}
