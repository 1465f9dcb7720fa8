import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import styles from './new-keys.module.css';
import { useSettingsStore } from './settings-store.ts';

/** Keys made just now. They are shown until they are put away, and by nobody after that. */
export function NewKeys() {
  const newKeys = useSettingsStore((state) => state.newKeys);
  if (newKeys.length === 0) return null;
  return (
    <div className={styles['keys']} role="status">
      <p>Copy it now: Corral does not show keys again. It works once the changes are applied.</p>
      {newKeys.map(({ name, key }) => (
        <p key={key} className={styles['key']}>
          <span>{name}</span>
          <code>{key}</code>
          <CopyButton text={key} label={`Copy the key ${name}`} />
        </p>
      ))}
      <Button onClick={() => useSettingsStore.setState({ newKeys: [] })}>I have copied it</Button>
    </div>
  );
}
