import { ArrowDownToLine, Clock, Eraser, WrapText } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { Button } from '../../components/button.tsx';
import { Menu } from '../../components/menu.tsx';
import { Banner, EmptyState, ErrorState, LoadingState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { copyText } from '../../store/copy-text.ts';
import { describeBeginning, describeEmpty, describeMatches } from './describe-log.ts';
import { extendSelection, linesOf, selectAll, type LineSelection } from './line-selection.ts';
import { LogLines, type LogLinesHandle } from './log-lines.tsx';
import { setLogPreferences, useLogPreferences } from './log-preferences.ts';
import { LogSearch } from './log-search.tsx';
import { formatLines } from './log-session.ts';
import { APP_LOG } from './source-picker.tsx';
import { useLogSession } from './use-log-session.ts';
import styles from './logs-page.module.css';

/** One log: what is searched, followed, chosen and copied in it. */
export function LogView({ source }: { readonly source: string }) {
  const { session, revision } = useLogSession(source);
  const { index, buffer } = session;
  const { isProblemsOnly, hasTime, isWrapped } = useLogPreferences();
  const folder = useAppStore(({ snapshot }) => snapshot?.instance.dataFolder ?? '');
  const [query, setQuery] = useState('');
  const [current, setCurrent] = useState<number | undefined>(undefined);
  const [clearedUpTo, setClearedUpTo] = useState(0);
  const [selection, setSelection] = useState<LineSelection | undefined>(undefined);
  /** The last line when following ended; undefined while it goes on. */
  const [pausedAt, setPausedAt] = useState<number | undefined>(undefined);
  const list = useRef<LogLinesHandle>(null);
  const isFollowing = pausedAt === undefined;
  const beginning = buffer.beginning();
  const count = index.length();
  const news = isFollowing ? 0 : count - index.indexOf(pausedAt + 1);

  useEffect(() => session.setQuery(query), [session, query]);
  useEffect(() => session.setFilter({ isProblemsOnly, clearedUpTo }), [session, isProblemsOnly, clearedUpTo]);
  // What is searched or filtered is the whole log, not what happened to be fetched.
  const needsAll = query !== '' || isProblemsOnly;
  useEffect(() => {
    if (needsAll && beginning === 'more' && revision > 0) session.loadEarlier();
  }, [session, needsAll, beginning, revision]);

  const setFollowing = (next: boolean): void => setPausedAt(next ? undefined : buffer.lastNumber());
  const step = (direction: 1 | -1): void => {
    const from = current ?? (list.current?.firstInSight() ?? 0) - (direction === 1 ? 1 : 0);
    const next = index.nextMatch(from, direction);
    if (next === undefined) return;
    setCurrent(next);
    setFollowing(false);
    list.current?.showLine(next);
  };
  const select = (number: number, isExtending: boolean): void => {
    setSelection((before) => ({ anchor: isExtending && before !== undefined ? before.anchor : number, head: number }));
  };
  const copy = (chosen: LineSelection | undefined): void => {
    const lines = linesOf(index, chosen);
    void copyText(formatLines(lines, hasTime), lines.length === 1 ? '1 line' : `${lines.length} lines`);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key.toLowerCase() === 'a') setSelection(selectAll(index));
    else if (isCommand && event.key.toLowerCase() === 'c' && selection !== undefined && isNothingMarked())
      copy(selection);
    else if (event.shiftKey && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      const start = list.current?.firstInSight() ?? 0;
      const next = extendSelection(selection, index, event.key === 'ArrowDown' ? 1 : -1, start);
      setSelection(next);
      if (next !== undefined) {
        setFollowing(false);
        list.current?.revealLine(next.head);
      }
    } else if (event.key === 'Escape' && selection !== undefined) setSelection(undefined);
    else return;
    event.preventDefault();
  };

  const error = session.error();
  if (error !== undefined && buffer.length() === 0) {
    return <ErrorState title="This log cannot be read" error={error} retry={() => session.poke()} />;
  }
  if (!session.hasAnswer()) return <LoadingState label="Reading the log…" />;
  const selected = selection === undefined ? 0 : linesOf(index, selection).length;
  return (
    <>
      <div className={styles['toolbar']}>
        <LogSearch
          query={query}
          result={describeMatches(query, index, current, session.isSearching())}
          hasMatches={index.matchCount() > 0}
          onQuery={(next) => {
            setQuery(next);
            setCurrent(undefined);
          }}
          onStep={step}
        />
        <div className={styles['tools']}>
          <Button
            className={styles['toggle'] ?? ''}
            aria-pressed={isFollowing}
            title="Stay at the newest line"
            onClick={() => setFollowing(!isFollowing)}
          >
            <ArrowDownToLine size={14} aria-hidden /> Follow
          </Button>
          <Button
            className={styles['toggle'] ?? ''}
            aria-pressed={hasTime}
            title="When each line was written"
            onClick={() => setLogPreferences({ hasTime: !hasTime })}
          >
            <Clock size={14} aria-hidden /> Times
          </Button>
          <Button
            className={styles['toggle'] ?? ''}
            aria-pressed={isWrapped}
            title="Break long lines"
            onClick={() => setLogPreferences({ isWrapped: !isWrapped })}
          >
            <WrapText size={14} aria-hidden /> Wrap
          </Button>
          <Menu
            trigger={<Button disabled={count === 0}>Copy</Button>}
            choices={[
              {
                label: selected === 0 ? 'Copy the chosen lines' : `Copy the ${selected} chosen`,
                hint: 'Choose by clicking line numbers, Shift-click for the end; or Shift with the arrows',
                isDisabled: selected === 0,
                run: () => copy(selection),
              },
              {
                label: `Copy all ${count} shown`,
                hint:
                  isProblemsOnly || clearedUpTo > 0
                    ? 'Without what is filtered out or cleared'
                    : 'Also those out of sight',
                run: () => copy(undefined),
              },
            ]}
          />
          <Button
            title="Empties the view; the log itself stays"
            disabled={count === 0}
            onClick={() => {
              setClearedUpTo(buffer.lastNumber());
              setSelection(undefined);
              setFollowing(true);
            }}
          >
            <Eraser size={14} aria-hidden /> Clear view
          </Button>
        </div>
      </div>
      {error === undefined ? null : (
        <Banner kind="caution" actions={<Button onClick={() => session.poke()}>Try again</Button>}>
          New lines could not be read: {error.message}
        </Banner>
      )}
      {count === 0 ? (
        <EmptyState
          title={clearedUpTo > 0 ? 'The view was cleared' : describeEmpty(source === APP_LOG, isProblemsOnly).title}
        >
          {clearedUpTo > 0 ? (
            <Button onClick={() => setClearedUpTo(0)}>Show earlier lines again</Button>
          ) : (
            describeEmpty(source === APP_LOG, isProblemsOnly).text
          )}
        </EmptyState>
      ) : (
        <div className={styles['lines']}>
          <LogLines
            label={source === APP_LOG ? 'Log of Corral itself' : `Log of ${source}`}
            session={session}
            query={query}
            current={current}
            selection={selection}
            isFollowing={isFollowing}
            hasTime={hasTime}
            isWrapped={isWrapped}
            handle={list}
            beginning={describeBeginning(clearedUpTo > 0 ? 'cleared' : beginning, folder)}
            onFollowingChange={setFollowing}
            onSelect={select}
            onKeyDown={onKeyDown}
          />
          {isFollowing || news === 0 ? null : (
            <Button kind="primary" className={styles['news'] ?? ''} onClick={() => setFollowing(true)}>
              <ArrowDownToLine size={14} aria-hidden /> {news === 1 ? '1 new line' : `${news} new lines`}
            </Button>
          )}
        </div>
      )}
    </>
  );
}

/** Text that was marked with the mouse is what Ctrl-C means then. */
function isNothingMarked(): boolean {
  return window.getSelection()?.isCollapsed !== false;
}
