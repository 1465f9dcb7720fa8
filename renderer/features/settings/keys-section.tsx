import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { EmptyState } from '../../components/states.tsx';
import { isEdited, valueAt } from './edits.ts';
import control from './field-control.module.css';
import { addKeyEdit, generateKey, isOpenToNetwork, listKeys } from './lan-switch.ts';
import { NewKeys } from './new-keys.tsx';
import { isOpenSetting } from '../../store/open-settings.ts';
import { SettingRow } from './setting-row.tsx';
import { useSettingsStore } from './settings-store.ts';
import styles from './list-section.module.css';
import { useSettingsForm } from './use-settings-form.ts';

const keyFields = [
  ['name', 'Name'],
  ['key', 'Key'],
  ['priority', 'Priority'],
  ['concurrency', 'Requests at once'],
  ['models', 'Models it may use'],
  ['waitingComments', 'Waiting comments'],
] as const;

/** The keys clients use; each is a lane with a name, a priority and limits. */
export function KeysSection() {
  const { context, change, revert } = useSettingsForm();
  const { edited, edits, values, settings } = context;
  const [name, setName] = useState('');
  const keys = listKeys(edited);
  const canAdd = isOpenSetting(['server', 'apiKeys', keys.length], settings.openPaths);
  const isTaken = keys.some((key) => key.name === name.trim());
  const isLastOfNetwork = keys.length === 1 && isOpenToNetwork(edited);

  const add = (): void => {
    const made = { name: name.trim(), key: generateKey() };
    useSettingsStore.setState(({ newKeys }) => ({ newKeys: [...newKeys, made] }));
    change(addKeyEdit(edited, made.name, made.key));
    setName('');
  };
  const remove = (position: number, keyName: string): void => {
    const path = ['server', 'apiKeys', position];
    const isNew = valueAt(values, path) === undefined;
    if (!isNew) {
      change({ path });
      return;
    }
    useSettingsStore.setState(({ newKeys }) => ({ newKeys: newKeys.filter((key) => key.name !== keyName) }));
    revert(path);
  };

  return (
    <>
      <p className={styles['intro']}>
        Without any key, programs on this machine need none. With keys, each is a lane: its requests share a priority
        and limits, and the queue shows its name.
      </p>
      {canAdd ? (
        <form
          className={styles['add']}
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() !== '' && !isTaken) add();
          }}
        >
          <label htmlFor="new-key">New key for</label>
          <input
            id="new-key"
            className={control['short']}
            placeholder="phone"
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
          <Button type="submit" disabled={name.trim() === '' || isTaken}>
            Add a key
          </Button>
          {isTaken ? <span className={styles['problem']}>There is a key of that name.</span> : null}
        </form>
      ) : (
        <p className={styles['intro']}>
          Keys cannot be added or removed over HTTP; use the desktop app or the file. Priority and limits can be
          changed.
        </p>
      )}
      <NewKeys />
      {keys.length === 0 ? (
        <EmptyState title="No keys">{canAdd ? 'Name the device or program above to make one.' : ''}</EmptyState>
      ) : null}
      {keys.map(({ position, name: keyName }) => (
        <section key={position} className={styles['card']} aria-label={`Key ${keyName}`}>
          <header className={styles['head']}>
            <h2>{keyName}</h2>
            {canAdd ? (
              <Button
                aria-label={`Remove the key ${keyName}`}
                disabled={isLastOfNetwork}
                title={isLastOfNetwork ? 'Other devices need a key: close the network first' : undefined}
                onClick={() => remove(position, keyName)}
              >
                Remove
              </Button>
            ) : null}
          </header>
          {keyFields.map(([field, label]) => (
            <SettingRow key={field} spec={{ path: ['server', 'apiKeys', position, field], label }} />
          ))}
        </section>
      ))}
      {edits.some(({ path, value }) => value === undefined && path[1] === 'apiKeys' && path.length === 3) ? (
        <RemovedKeys />
      ) : null}
    </>
  );
}

/** A removal is taken back where the key was. */
function RemovedKeys() {
  const { context, revert } = useSettingsForm();
  const { edits, values } = context;
  const list = valueAt(values, ['server', 'apiKeys']);
  return (
    <ul className={styles['removed']} aria-label="Keys to be removed">
      {(Array.isArray(list) ? list : []).map((_, position) => {
        const path = ['server', 'apiKeys', position];
        const isRemoved = edits.some(
          (edit) => edit.value === undefined && isEdited([edit], path) && edit.path.length === 3,
        );
        const found = valueAt(values, [...path, 'name']);
        const keyName = typeof found === 'string' ? found : '';
        return isRemoved ? (
          <li key={position}>
            <span>{keyName} is removed once the changes are applied.</span>
            <Button aria-label={`Keep the key ${keyName}`} onClick={() => revert(path)}>
              Keep it
            </Button>
          </li>
        ) : null;
      })}
    </ul>
  );
}
