import { X } from 'lucide-react';
import { Button } from '../components/button.tsx';
import { useAppStore } from '../store/app-store.ts';
import { dismissNotice } from '../store/notices.ts';
import styles from './notices.module.css';

/** What was done and what went wrong, at the window's edge, with what takes it back. */
export function Notices() {
  const notices = useAppStore((state) => state.notices);
  return (
    <section className={styles['notices']} aria-label="Notices" aria-live="polite">
      {notices.map(({ id, kind, text, action }) => (
        <div key={id} className={styles['notice']} data-kind={kind} role={kind === 'trouble' ? 'alert' : undefined}>
          <p>{text}</p>
          {action === undefined ? null : (
            <Button
              onClick={() => {
                dismissNotice(id);
                action.run();
              }}
            >
              {action.label}
            </Button>
          )}
          <Button kind="quiet" aria-label="Dismiss" onClick={() => dismissNotice(id)}>
            <X size={14} aria-hidden />
          </Button>
        </div>
      ))}
    </section>
  );
}
