import { useMemo } from 'react';
import { Button } from '../../components/button.tsx';
import { useEngine } from '../../store/engine-context.ts';
import { notifyError } from '../../store/notices.ts';
import { diffLines, pickHunks } from './diff-lines.ts';
import { findIssueLines } from './issue-lines.ts';
import styles from './file-panel.module.css';
import { useSettingsForm } from './use-settings-form.ts';

const CONTEXT_LINES = 3;

/** The file beside the form: as it is or, with changes pending, what they would make of it. */
export function FilePanel() {
  const { context, preview } = useSettingsForm();
  const { desktop } = useEngine();
  const { text, filePath, exists } = context.settings;
  const after = context.edits.length === 0 ? undefined : preview.preview?.text;
  return (
    <section className={styles['panel']} aria-labelledby="file-title">
      <header className={styles['head']}>
        <h2 id="file-title">{after === undefined ? 'The file' : 'What changes in the file'}</h2>
        {desktop === undefined ? null : (
          <Button onClick={() => void desktop.call('open-path', { which: 'config' }).catch(notifyError)}>Open</Button>
        )}
        <code className={styles['path']} title={filePath}>
          {filePath}
        </code>
      </header>
      {after === undefined ? (
        exists ? (
          <FileText text={text} issueLines={findIssueLines(context.issues)} />
        ) : (
          <p className={styles['none']}>There is no file yet. It is made with the first change that is applied.</p>
        )
      ) : (
        <FileDiff before={preview.fileText} after={after} />
      )}
    </section>
  );
}

export function FileText({ text, issueLines }: { readonly text: string; readonly issueLines: ReadonlySet<number> }) {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  return (
    <div className={styles['lines']} tabIndex={0} role="region" aria-label="Text of the file, secrets left out">
      {lines.map((line, index) => (
        <div key={index} className={styles['line']} data-issue={issueLines.has(index + 1)}>
          <span className={styles['number']}>{index + 1}</span>
          <span className={styles['text']}>{line}</span>
        </div>
      ))}
    </div>
  );
}

function FileDiff({ before, after }: { readonly before: string; readonly after: string }) {
  const hunks = useMemo(() => pickHunks(diffLines(before, after), CONTEXT_LINES), [before, after]);
  return (
    <div className={styles['lines']} tabIndex={0} role="region" aria-label="Lines that change, secrets left out">
      {hunks.length === 0 ? <p className={styles['none']}>Only secrets change, and they are not shown.</p> : null}
      {hunks.map((hunk, index) => (
        <div key={index} className={styles['hunk']}>
          {hunk.map(({ kind, text, number }) => (
            <div key={`${kind} ${number}`} className={styles['line']} data-kind={kind}>
              <span className={styles['number']}>{number}</span>
              <span className={styles['mark']}>{{ same: ' ', added: '+', removed: '-' }[kind]}</span>
              <span className={styles['text']}>{text}</span>
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
