import { useState, type SyntheticEvent } from 'react';
import { keepTokenAndReload } from '../bridge/token.ts';
import { Button } from '../components/button.tsx';
import styles from './locked-page.module.css';

/** Only in a browser: without a token of this start, nothing is shown and nothing can be done. */
export function LockedPage({ isRefused }: { readonly isRefused: boolean }) {
  const [token, setToken] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (token.trim() !== '') keepTokenAndReload(token);
  };
  return (
    <main className={styles['locked']}>
      <h1>{isRefused ? 'Corral was started anew' : 'This window needs its token'}</h1>
      <p>
        {isRefused ? 'Each start has a token of its own, and the one of this page is no longer good. ' : ''}
        Open the address that Corral printed when it started (it ends in <code>#token=…</code>), run{' '}
        <code>corral status</code> to see it again, or enter the token or your admin token here.
      </p>
      <form onSubmit={submit} className={styles['form']}>
        <label htmlFor="token">Token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        <Button type="submit" kind="primary" disabled={token.trim() === ''}>
          Open
        </Button>
      </form>
    </main>
  );
}
