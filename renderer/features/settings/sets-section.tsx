import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { EmptyState } from '../../components/states.tsx';
import control from './field-control.module.css';
import styles from './list-section.module.css';
import { isOpenSetting } from '../../store/open-settings.ts';
import { SettingRow } from './setting-row.tsx';
import { listModels, namesAt } from './settings-form.ts';
import { useSettingsForm } from './use-settings-form.ts';

const setFields = [
  ['models', 'Models'],
  ['load', 'Load'],
  ['exclusive', 'Nothing else beside it'],
  ['evictsOthers', 'Unload others when loaded'],
  ['oneAtATime', 'One member at a time'],
  ['persistent', 'Other sets leave it loaded'],
  ['byName', 'Together by its name only'],
] as const;

/** Models that belong together. */
export function SetsSection() {
  const { context, change } = useSettingsForm();
  const { edited, settings } = context;
  const [name, setName] = useState('');
  const names = namesAt(edited, 'sets');
  const [firstModel] = listModels(edited);
  const canRemove = isOpenSetting(['sets', 'any'], settings.openPaths);
  const canAdd = firstModel !== undefined && name.trim() !== '' && !names.includes(name.trim());
  return (
    <>
      <p className={styles['intro']}>
        Models that belong together: loaded with each other, or with nothing else beside them. Clients call a member as{' '}
        <code>set/model</code>.
      </p>
      <form
        className={styles['add']}
        onSubmit={(event) => {
          event.preventDefault();
          if (!canAdd) return;
          change({ path: ['sets', name.trim(), 'models'], value: [firstModel] });
          setName('');
        }}
      >
        <label htmlFor="new-set">New set</label>
        <input
          id="new-set"
          className={control['short']}
          placeholder="coding"
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
        <Button type="submit" disabled={!canAdd}>
          Add a set
        </Button>
      </form>
      {names.length === 0 ? (
        <EmptyState title="No sets">
          {firstModel === undefined ? 'Add a model first; a set consists of models.' : 'Name one above to make it.'}
        </EmptyState>
      ) : null}
      {names.map((set) => (
        <section key={set} className={styles['card']} aria-label={`Set ${set}`}>
          <header className={styles['head']}>
            <h2>{set}</h2>
            {canRemove ? (
              <Button aria-label={`Remove the set ${set}`} onClick={() => change({ path: ['sets', set] })}>
                Remove
              </Button>
            ) : null}
          </header>
          {setFields.map(([field, label]) => (
            <SettingRow key={field} spec={{ path: ['sets', set, field], label }} />
          ))}
        </section>
      ))}
    </>
  );
}
