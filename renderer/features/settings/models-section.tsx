import { Button } from '../../components/button.tsx';
import { EmptyState } from '../../components/states.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { navigate } from '../../store/navigate.ts';
import { notifyError } from '../../store/notices.ts';
import { valueAt } from './edits.ts';
import control from './field-control.module.css';
import { modelGroups } from './field-table.ts';
import styles from './list-section.module.css';
import { isOpenSetting } from '../../store/open-settings.ts';
import { SettingGroup } from './setting-row.tsx';
import { hasCommand, listModels } from './settings-form.ts';
import { useSettingsStore } from './settings-store.ts';
import { useSettingsForm } from './use-settings-form.ts';

/** One model at a time, chosen above its settings. */
export function ModelsSection() {
  const { context, change, revert } = useSettingsForm();
  const chosen = useSettingsStore(({ modelId }) => modelId);
  const { edited, values, settings } = context;
  const models = listModels(edited);
  const id = models.find((each) => each === chosen) ?? models[0];
  const removed = listModels(values).filter((each) => !models.includes(each));
  const mayRemove = id !== undefined && isOpenSetting(['models', id], settings.openPaths);
  const remove = (model: string): void => {
    const path = ['models', model];
    if (valueAt(values, path) === undefined) revert(path);
    else change({ path });
  };
  return (
    <>
      <div className={styles['add']}>
        {id === undefined ? null : (
          <>
            <label htmlFor="model-choice">Model</label>
            <select
              id="model-choice"
              className={control['short']}
              value={id}
              onChange={({ target }) => useSettingsStore.setState({ modelId: target.value })}
            >
              {models.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </>
        )}
        {id !== undefined && mayRemove ? (
          <Button aria-label={`Remove ${id}`} onClick={() => remove(id)}>
            Remove
          </Button>
        ) : null}
        <AddModel />
      </div>
      {removed.map((model) => (
        <p key={model} className={styles['intro']}>
          {model} is removed once the changes are applied; its file stays on disk.{' '}
          <Button aria-label={`Keep ${model}`} onClick={() => revert(['models', model])}>
            Keep it
          </Button>
        </p>
      ))}
      {id === undefined ? (
        <EmptyState title="No models in the file">
          <p>A GGUF file on this machine becomes a model in the catalog.</p>
          <Button kind="primary" onClick={() => navigate('catalog')}>
            Open the catalog
          </Button>
        </EmptyState>
      ) : (
        modelGroups(id, hasCommand(edited, id)).map((group) => (
          <SettingGroup key={`${id} ${group.title}`} group={group} />
        ))
      )}
    </>
  );
}

/** Only where files may be named: in the desktop app, which also knows how to choose one. */
function AddModel() {
  const { context, change } = useSettingsForm();
  const { desktop } = useEngine();
  const { edited, settings } = context;
  if (desktop === undefined || !isOpenSetting(['models', 'any', 'file'], settings.openPaths)) return null;
  const add = async (): Promise<void> => {
    const { path } = await desktop.call('choose-path', { kind: 'model-file' });
    if (path === null) return;
    const id = freeId(path, listModels(edited));
    change({ path: ['models', id, 'file'], value: path });
    useSettingsStore.setState({ modelId: id });
  };
  return <Button onClick={() => void add().catch(notifyError)}>Add a model file…</Button>;
}

/** The file's name without its ending, with a number where that is taken. */
function freeId(path: string, taken: readonly string[]): string {
  const name = path.replace(/^.*[/\\]/, '').replace(/\.gguf$/i, '');
  let id = name;
  for (let number = 2; taken.includes(id); number += 1) id = `${name}-${number}`;
  return id;
}
