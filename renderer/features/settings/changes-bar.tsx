import { Button } from '../../components/button.tsx';
import { countChanges, describePreview } from './describe-preview.ts';
import styles from './changes-bar.module.css';
import { formatPath } from './setting-path.ts';
import { discardChanges } from './settings-store.ts';
import { useSettingsForm } from './use-settings-form.ts';

/** What is pending and what it would do; nothing happens before Apply. */
export function ChangesBar() {
  const { context, preview, isApplying, applyError, apply } = useSettingsForm();
  const { edits, issues } = context;
  if (edits.length === 0) return null;
  const shown = preview.preview;
  const canApply = shown !== undefined && shown.issues.length === 0 && !preview.isBehind && !isApplying;
  return (
    <section className={styles['bar']} aria-label="Pending changes">
      <div className={styles['text']} role="status">
        <strong>{countChanges(edits.length)}</strong>
        {shown === undefined ? (
          preview.error === undefined ? (
            <span> Looking at what that would do…</span>
          ) : null
        ) : issues.length > 0 ? null : (
          <WhatHappens lines={describePreview(shown)} />
        )}
      </div>
      {issues.length === 0 ? null : (
        <ul className={styles['issues']} aria-label="What stands in the way">
          {issues.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {preview.error === undefined && applyError === undefined ? null : (
        <p className={styles['error']} role="alert">
          {(applyError ?? preview.error)?.message}
        </p>
      )}
      <div className={styles['actions']}>
        <Button title={edits.map(({ path }) => formatPath(path)).join('\n')} onClick={discardChanges}>
          Discard
        </Button>
        <Button kind="primary" disabled={!canApply} onClick={apply}>
          {isApplying ? 'Applying…' : 'Apply'}
        </Button>
      </div>
    </section>
  );
}

function WhatHappens({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return <span> Nothing has to restart.</span>;
  return (
    <ul>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
