import { CopyButton } from './copy-button.tsx';
import styles from './snippet.module.css';

/** Text to copy as it is: settings, code, a path. */
export function Snippet({ code, label }: { readonly code: string; readonly label: string }) {
  return (
    <div className={styles['snippet']}>
      <pre tabIndex={0} aria-label={label.replace(/^Copy/, 'Text')}>
        {code}
      </pre>
      <CopyButton text={code} label={label} />
    </div>
  );
}
