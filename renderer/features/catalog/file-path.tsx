import { CopyButton } from '../../components/copy-button.tsx';
import styles from './file-path.module.css';
import { splitPath } from './suggest-id.ts';

/** A path that is cut in its middle where it is too long, and copied whole. */
export function FilePath({ path, label }: { readonly path: string; readonly label: string }) {
  const { folder, name } = splitPath(path);
  return (
    <span className={styles['path']}>
      <code className={styles['text']} title={path}>
        <span className={styles['folder']}>{folder}</span>
        <span className={styles['name']}>{name}</span>
      </code>
      <CopyButton text={path} label={label} />
    </span>
  );
}
