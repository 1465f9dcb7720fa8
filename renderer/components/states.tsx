import { AlertTriangle, CircleDashed, LoaderCircle } from 'lucide-react';
import { useCallback, type ReactNode } from 'react';
import { formatDuration } from '#shared/model/units.ts';
import type { AppError } from '#shared/contract/errors.ts';
import { useTimedText } from '../store/use-now.ts';
import { Button } from './button.tsx';
import styles from './states.module.css';

/** Nothing is here yet: says why, and what to do next. */
export function EmptyState({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={styles['state']}>
      <CircleDashed size={28} aria-hidden className={styles['icon']} />
      <h2>{title}</h2>
      <div className={styles['text']}>{children}</div>
    </div>
  );
}

/** Something could not be had: says what and why, and offers to try again. */
export function ErrorState({
  title,
  error,
  retry,
}: {
  readonly title: string;
  readonly error: AppError;
  readonly retry?: () => void;
}) {
  return (
    <div className={styles['state']} role="alert">
      <AlertTriangle size={28} aria-hidden className={styles['trouble']} />
      <h2>{title}</h2>
      <p className={styles['text']}>{error.message}</p>
      {retry === undefined ? null : <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Something is on its way; the age appears once it takes longer than one expects. */
export function LoadingState({ label }: { readonly label: string }) {
  return (
    <div className={styles['state']} role="status">
      <LoaderCircle size={24} aria-hidden className={styles['spinner']} />
      <p className={styles['text']}>{label}</p>
    </div>
  );
}

/** A line over content that needs attention. */
export function Banner({
  kind,
  children,
  actions,
}: {
  readonly kind: 'trouble' | 'caution' | 'note';
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}) {
  return (
    <div
      className={`${styles['banner'] ?? ''} ${styles[`banner-${kind}`] ?? ''}`}
      role={kind === 'trouble' ? 'alert' : 'status'}
    >
      {kind === 'note' ? null : <AlertTriangle size={16} aria-hidden />}
      <div className={styles['banner-text']}>{children}</div>
      {actions}
    </div>
  );
}

/** `3 min` since a moment, counting on. */
export function Age({ since }: { readonly since: number }) {
  return <>{useTimedText(useCallback((now) => formatDuration(now - since), [since]))}</>;
}
