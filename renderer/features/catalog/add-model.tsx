import { Field } from '@base-ui/react/field';
import { Switch } from '@base-ui/react/switch';
import { useState, type ReactNode, type SubmitEvent } from 'react';
import type { SettingsPreview, SettingsView } from '#shared/contract/settings.ts';
import { Button } from '../../components/button.tsx';
import { Snippet } from '../../components/snippet.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { notifyError } from '../../store/notices.ts';
import { isOpenSetting } from '../../store/open-settings.ts';
import styles from './add-model.module.css';
import {
  checkDraft,
  draftEdits,
  draftYaml,
  emptyDraft,
  isFinished,
  issueField,
  type DraftField,
  type ModelDraft,
} from './model-draft.ts';
import { suggestId } from './suggest-id.ts';
import { usePreview } from './use-preview.ts';

export interface AddModelProps {
  readonly settings: SettingsView | undefined;
  readonly taken: readonly string[];
  onClose(): void;
  onAdded(id: string): void;
}

/** A form that adds a model file to the configuration or, where that is not allowed, says what to write into it. */
export function AddModel({ settings, taken, onClose, onAdded }: AddModelProps) {
  const { bridge, desktop } = useEngine();
  const [draft, setDraft] = useState<ModelDraft>(emptyDraft);
  const [isIdTyped, setIsIdTyped] = useState(false);
  const [isSaving, setIsSaving] = useState(false);
  const isOpen = settings !== undefined && isOpenSetting(['models', draft.id, 'file'], settings.openPaths);
  const wrong = checkDraft(draft, taken);
  const isReady = isFinished(draft) && Object.keys(wrong).length === 0;
  const { preview, error } = usePreview(isOpen && isReady ? draftEdits(draft) : undefined);
  const issues = preview?.issues ?? [];

  const setPath = (path: string): void =>
    setDraft((before) => ({ ...before, path, id: isIdTyped ? before.id : suggestId(path, taken) }));
  const browse = async (): Promise<void> => {
    try {
      const path = (await desktop?.call('choose-path', { kind: 'model-file' }))?.path ?? null;
      if (path !== null) setPath(path);
    } catch (thrown) {
      notifyError(thrown);
    }
  };
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isOpen || !isReady) return;
    setIsSaving(true);
    try {
      await bridge.call('update-settings', { edits: draftEdits(draft) });
      onAdded(draft.id.trim());
    } catch (thrown) {
      notifyError(thrown);
    } finally {
      setIsSaving(false);
    }
  };
  const issueOf = (field: DraftField): string | undefined =>
    wrong[field] ?? issues.find((issue) => issueField(issue) === field)?.message;

  return (
    <form className={styles['form']} aria-labelledby="add-model" onSubmit={(event) => void save(event)}>
      <h2 id="add-model">Add a model</h2>
      <TextField
        label="File"
        hint="A GGUF file on this computer; of a split one the first part."
        issue={issueOf('path')}
        value={draft.path}
        placeholder="/home/you/models/Qwen3-8B-Q4_K_M.gguf"
        onChange={setPath}
      >
        {desktop === undefined ? null : <Button onClick={() => void browse()}>Browse…</Button>}
      </TextField>
      <div className={styles['columns']}>
        <TextField
          label="Name"
          hint="What clients ask for."
          issue={issueOf('id')}
          value={draft.id}
          placeholder="qwen3-8b"
          onChange={(id) => {
            setIsIdTyped(id !== '');
            setDraft({ ...draft, id });
          }}
        />
        <TextField
          label="Context size"
          hint="In tokens; empty for what fits."
          issue={issueOf('contextSize')}
          value={draft.contextSize}
          placeholder="Corral chooses"
          onChange={(contextSize) => setDraft({ ...draft, contextSize })}
        />
        <Field.Root className={styles['field']}>
          <Field.Label>Makes embeddings</Field.Label>
          <span className={styles['switch-line']}>
            <Switch.Root
              className={styles['switch']}
              checked={draft.embeddings}
              onCheckedChange={(embeddings) => setDraft({ ...draft, embeddings })}
            >
              <Switch.Thumb className={styles['thumb']} />
            </Switch.Root>
            {draft.embeddings ? 'yes' : 'no'}
          </span>
          <Field.Description className={styles['hint']}>Switch on for an embedding model.</Field.Description>
        </Field.Root>
      </div>
      {settings !== undefined && !isOpen ? (
        <ByHand settings={settings} draft={isReady ? draft : undefined} onClose={onClose} />
      ) : (
        <>
          <Outcome
            preview={preview}
            other={issues.filter((issue) => issueField(issue) === undefined).map(({ message }) => message)}
            error={error?.message}
          />
          <div className={styles['actions']}>
            <Button
              type="submit"
              kind="primary"
              disabled={!isReady || isSaving || preview === undefined || issues.length > 0}
            >
              {isSaving ? 'Adding…' : 'Add to the configuration'}
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </div>
        </>
      )}
    </form>
  );
}

function TextField({
  label,
  hint,
  issue,
  value,
  placeholder,
  onChange,
  children,
}: {
  readonly label: string;
  readonly hint: string;
  readonly issue: string | undefined;
  readonly value: string;
  readonly placeholder: string;
  onChange(value: string): void;
  readonly children?: ReactNode;
}) {
  return (
    <Field.Root className={styles['field']} invalid={issue !== undefined}>
      <Field.Label>{label}</Field.Label>
      <span className={styles['input-line']}>
        <Field.Control
          className={styles['input']}
          value={value}
          placeholder={placeholder}
          autoComplete="off"
          spellCheck={false}
          onValueChange={onChange}
        />
        {children}
      </span>
      {issue === undefined ? (
        <Field.Description className={styles['hint']}>{hint}</Field.Description>
      ) : (
        <Field.Error match className={styles['issue']}>
          {issue}
        </Field.Error>
      )}
    </Field.Root>
  );
}

/** What the form would do, or what keeps it from that. */
function Outcome({
  preview,
  other,
  error,
}: {
  readonly preview: SettingsPreview | undefined;
  readonly other: readonly string[];
  readonly error: string | undefined;
}) {
  const lines = [...(error === undefined ? [] : [error]), ...other];
  if (lines.length > 0) {
    return (
      <ul className={styles['issue']} role="alert">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    );
  }
  if (preview === undefined || preview.issues.length > 0) return null;
  const loaded = preview.restarts.filter(({ isLoaded }) => isLoaded).map(({ model }) => model);
  return (
    <p className={styles['hint']}>
      {loaded.length === 0 ? 'Nothing that runs is disturbed.' : `Restarts ${loaded.join(', ')}.`}
    </p>
  );
}

/** In a browser settings that say what is run are refused: what to write, and where. */
function ByHand({
  settings,
  draft,
  onClose,
}: {
  readonly settings: SettingsView;
  readonly draft: ModelDraft | undefined;
  onClose(): void;
}) {
  return (
    <div className={styles['by-hand']}>
      <p>
        In a browser, Corral does not let settings be changed that say what is run. Write this into its configuration
        yourself{settings.exists ? '; where it has models already, add the entry to them' : ', a new file'}. Corral
        notices.
      </p>
      <Snippet code={settings.filePath} label="Copy the path of the configuration" />
      {draft === undefined ? (
        <p className={styles['hint']}>Fill in file and name; what to write appears here.</p>
      ) : (
        <Snippet code={draftYaml(draft)} label="Copy the model’s settings" />
      )}
      <div className={styles['actions']}>
        <Button onClick={onClose}>Close</Button>
      </div>
    </div>
  );
}
