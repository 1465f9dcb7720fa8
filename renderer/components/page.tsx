import type { ReactNode } from 'react';
import styles from './page.module.css';

/** The frame of every page: its heading, what can be done on it, and its content, which scrolls. */
export function Page({
  title,
  actions,
  isFilled = false,
  children,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  /** The content scrolls by itself and takes all the height there is. */
  readonly isFilled?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles['page']} aria-labelledby="page-title">
      <header className={styles['header']}>
        <h1 id="page-title" tabIndex={-1}>
          {title}
        </h1>
        <div className={styles['actions']}>{actions}</div>
      </header>
      <div className={isFilled ? styles['filled'] : styles['content']}>{children}</div>
    </section>
  );
}
