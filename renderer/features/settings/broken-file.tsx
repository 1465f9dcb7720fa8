import type { SettingsView } from '#shared/contract/settings.ts';
import { Button } from '../../components/button.tsx';
import { Page } from '../../components/page.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { notifyError } from '../../store/notices.ts';
import { FileText } from './file-panel.tsx';
import { findIssueLines } from './issue-lines.ts';
import styles from './settings-page.module.css';

/** The file is not YAML: there is nothing to make a form of, so it is shown as it is, with the place and the reason. */
export function BrokenFile({ settings }: { readonly settings: SettingsView }) {
  const issues = useAppStore(({ snapshot }) => snapshot?.instance.configErrors ?? none);
  const { desktop } = useEngine();
  return (
    <Page
      title="Settings"
      isFilled
      actions={
        desktop === undefined ? null : (
          <Button onClick={() => void desktop.call('open-path', { which: 'config' }).catch(notifyError)}>
            Open the file
          </Button>
        )
      }
    >
      <div className={styles['broken']}>
        <p>
          <code>{settings.filePath}</code> cannot be read as YAML, so it cannot be edited here. Correct it in an editor;
          this page notices when it is saved. Until then the last good configuration stays in use.
        </p>
        <ul aria-label="What is wrong">
          {issues.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
        <FileText text={settings.text} issueLines={findIssueLines(issues)} />
      </div>
    </Page>
  );
}

const none: readonly never[] = [];
