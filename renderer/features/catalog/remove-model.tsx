import { Trash2 } from 'lucide-react';
import type { SettingEdit, SettingsView } from '#shared/contract/settings.ts';
import { Button } from '../../components/button.tsx';
import { Popover, PopoverClose } from '../../components/popover.tsx';
import { Snippet } from '../../components/snippet.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { notify, notifyError } from '../../store/notices.ts';
import { isOpenSetting } from '../../store/open-settings.ts';
import { restorableEntry } from './model-draft.ts';
import styles from './remove-model.module.css';

export interface RemoveModelProps {
  readonly id: string;
  readonly isLoaded: boolean;
  readonly settings: SettingsView | undefined;
}

/** Takes a model out of the configuration, after saying what that means; its file stays. */
export function RemoveModel({ id, isLoaded, settings }: RemoveModelProps) {
  const { bridge } = useEngine();
  const entry = restorableEntry(settings?.values ?? null, id);
  const update = async (edit: SettingEdit): Promise<boolean> => {
    try {
      await bridge.call('update-settings', { edits: [edit] });
      return true;
    } catch (thrown) {
      notifyError(thrown);
      return false;
    }
  };
  const remove = async (): Promise<void> => {
    if (!(await update({ path: ['models', id] }))) return;
    const putBack = { label: 'Undo', run: () => void update({ path: ['models', id], value: entry }) };
    notify(
      'done',
      `Removed ${id} from the configuration. Its file is still there.`,
      entry === undefined ? undefined : putBack,
    );
  };

  return (
    <Popover
      title={`Remove ${id}?`}
      trigger={
        <Button
          kind="quiet"
          aria-label={`Remove ${id}`}
          title="Remove from the configuration"
          disabled={settings === undefined}
        >
          <Trash2 size={14} aria-hidden />
        </Button>
      }
    >
      {settings !== undefined && !isOpenSetting(['models', id], settings.openPaths) ? (
        <div className={styles['text']}>
          <p>
            In a browser, Corral does not let settings be changed that say what is run. Delete the entry{' '}
            <code>{id}</code> below <code>models</code> in this file; Corral notices.
          </p>
          <Snippet code={settings.filePath} label="Copy the path of the configuration" />
        </div>
      ) : (
        <>
          <div className={styles['text']}>
            <p>Clients that ask for it get an error from then on. The model’s file stays where it is.</p>
            {isLoaded ? <p>It is loaded: it finishes what it is answering and is then ejected.</p> : null}
            <p>
              {entry === undefined
                ? 'This cannot be undone here: its settings hold secrets, which Corral shows to nobody.'
                : 'Comments within its settings are lost, also when it is put back.'}
            </p>
          </div>
          <PopoverClose render={<Button onClick={() => void remove()}>Remove from the configuration</Button>} />
        </>
      )}
    </Popover>
  );
}
