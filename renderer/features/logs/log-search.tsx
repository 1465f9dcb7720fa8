import { ChevronDown, ChevronUp } from 'lucide-react';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/text-field.tsx';
import styles from './logs-page.module.css';

export interface LogSearchProps {
  readonly query: string;
  /** `3 of 120`, or that there is none. */
  readonly result: string;
  readonly hasMatches: boolean;
  onQuery(query: string): void;
  onStep(direction: 1 | -1): void;
}

/** Ctrl-F brings one here; Enter goes on, Shift-Enter back, Escape ends it. */
export function LogSearch({ query, result, hasMatches, onQuery, onStep }: LogSearchProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKeyDown = (event: globalThis.KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'f' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      onStep(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      onQuery('');
    }
  };
  return (
    <div className={styles['search']} role="search">
      <TextField
        ref={field}
        className={styles['query'] ?? ''}
        aria-label="Search this log"
        aria-keyshortcuts="Control+F"
        placeholder="Search (Ctrl-F)"
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <Button
        kind="quiet"
        disabled={!hasMatches}
        aria-label="Previous match"
        title="Previous match (Shift-Enter)"
        onClick={() => onStep(-1)}
      >
        <ChevronUp size={14} aria-hidden />
      </Button>
      <Button
        kind="quiet"
        disabled={!hasMatches}
        aria-label="Next match"
        title="Next match (Enter)"
        onClick={() => onStep(1)}
      >
        <ChevronDown size={14} aria-hidden />
      </Button>
      <span className={styles['result']} role="status">
        {result}
      </span>
    </div>
  );
}
