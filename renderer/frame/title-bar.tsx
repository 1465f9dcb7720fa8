import { Search } from 'lucide-react';
import { Button } from '../components/button.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { useAppStore } from '../store/app-store.ts';
import { openPalette } from '../store/palette.ts';
import { countHerd } from '../store/selectors.ts';
import styles from './title-bar.module.css';

const shortcut = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘K' : 'Ctrl K';

/** The address to paste into a chat program, and the state of the herd at a glance. */
export function TitleBar() {
  const address = useAppStore(({ snapshot }) => snapshot?.instance.address);
  return (
    <header className={styles['bar']}>
      <span className={styles['brand']}>
        <RailMark />
        Corral
      </span>
      {address === undefined ? null : (
        <span className={styles['address']}>
          <code>{address}/v1</code>
          <CopyButton text={`${address}/v1`} label="Copy the address" />
        </span>
      )}
      <HerdSummary />
      <Button kind="quiet" onClick={() => openPalette()} aria-keyshortcuts="Control+K Meta+K">
        <Search size={14} aria-hidden /> Commands <kbd>{shortcut}</kbd>
      </Button>
    </header>
  );
}

function HerdSummary() {
  const snapshot = useAppStore((state) => state.snapshot);
  const connection = useAppStore((state) => state.connection);
  if (snapshot === undefined) return <span className={styles['summary']} role="status" />;
  const { loaded, loading, waiting, troubled } = countHerd(snapshot);
  const parts = [
    snapshot.memory.isGameMode ? 'game mode' : undefined,
    `${loaded} loaded`,
    loading > 0 ? `${loading} loading` : undefined,
    waiting > 0 ? `${waiting} waiting` : undefined,
    troubled > 0 ? `${troubled} in trouble` : undefined,
  ].filter((part) => part !== undefined);
  const tone = connection.status === 'live' ? (troubled > 0 ? 'trouble' : loaded > 0 ? 'on' : 'off') : 'off';
  return (
    <span className={styles['summary']} role="status">
      <span className={`${styles['dot'] ?? ''} ${styles[tone] ?? ''}`} aria-hidden />
      {parts.join(' · ')}
    </span>
  );
}

/** The icon's corral in one colour. */
function RailMark() {
  return (
    <svg width="18" height="18" viewBox="0 0 16 16" aria-hidden fill="none" stroke="currentColor" strokeLinecap="round">
      <path d="M3.5 6v8M12.5 6v8" strokeWidth="1.8" />
      <path d="M1.5 9.2h13M1.5 12.2h13" strokeWidth="1.3" />
      <circle cx="8" cy="4.4" r="2.6" fill="currentColor" stroke="none" />
    </svg>
  );
}
