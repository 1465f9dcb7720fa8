import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useImperativeHandle, useRef, type KeyboardEvent, type Ref } from 'react';
import { LogRow } from './log-row.tsx';
import type { LogSession } from './log-session.ts';
import { isSelected, type LineSelection } from './line-selection.ts';
import { countRows } from './text-columns.ts';
import { PROBE_TEXT, useTextColumns } from './use-text-columns.ts';
import styles from './log-lines.module.css';

export interface LogLinesHandle {
  showLine(number: number): void;
  /** Scrolls as little as it takes. */
  revealLine(number: number): void;
  /** The number of the first line in sight. */
  firstInSight(): number;
}

export interface LogLinesProps {
  readonly label: string;
  readonly session: LogSession;
  readonly query: string;
  /** The match that is looked at. */
  readonly current: number | undefined;
  readonly selection: LineSelection | undefined;
  readonly isFollowing: boolean;
  readonly hasTime: boolean;
  readonly isWrapped: boolean;
  readonly handle: Ref<LogLinesHandle>;
  /** What comes before the first line, in words. */
  readonly beginning: string;
  onFollowingChange(isFollowing: boolean): void;
  onSelect(number: number, isExtending: boolean): void;
  onKeyDown(event: KeyboardEvent): void;
}

/** As in log-row.module.css. */
const ROW_PX = 18;
/** Room for what is said of the beginning. */
const HEAD_PX = 28;
const OVERSCAN = 15;
/** So close to the first line there is, earlier ones are fetched. */
const EARLY_ROWS = 60;

/** The lines in sight, out of however many there are. Only the scrolling area is measured, and rows only if they may wrap. */
export function LogLines({
  label,
  session,
  query,
  current,
  selection,
  isFollowing,
  hasTime,
  isWrapped,
  handle,
  beginning,
  onFollowingChange,
  onSelect,
  onKeyDown,
}: LogLinesProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const lastTop = useRef(0);
  const columns = useTextColumns(scroller, probe, hasTime);
  const { index } = session;
  const getItemKey = useCallback((at: number) => index.lineAt(at)?.number ?? -at, [index]);
  const virtualizer = useVirtualizer({
    count: index.length(),
    getScrollElement: () => scroller.current,
    // Right but for lines with characters of another width, which are measured once they are in sight.
    estimateSize: (at) => (isWrapped ? ROW_PX * countRows(index.lineAt(at)?.text.length ?? 0, columns) : ROW_PX),
    getItemKey,
    overscan: OVERSCAN,
    paddingStart: HEAD_PX,
    anchorTo: 'end',
    followOnAppend: isFollowing,
    scrollEndThreshold: ROW_PX,
  });
  const rows = virtualizer.getVirtualItems();
  const isNearStart = (rows[0]?.index ?? 0) < EARLY_ROWS;
  const count = index.length();

  useEffect(() => {
    if (isNearStart && count > 0) session.loadEarlier();
  }, [session, isNearStart, count]);

  // What was measured while lines wrapped says nothing of lines that do not.
  useEffect(() => virtualizer.measure(), [virtualizer, isWrapped, columns]);

  useEffect(() => {
    if (isFollowing) virtualizer.scrollToEnd();
  }, [virtualizer, isFollowing, isWrapped, columns]);

  useImperativeHandle(
    handle,
    () => ({
      showLine: (number) => virtualizer.scrollToIndex(index.indexOf(number), { align: 'center' }),
      revealLine: (number) => virtualizer.scrollToIndex(index.indexOf(number), { align: 'auto' }),
      firstInSight: () => {
        const item = virtualizer.getVirtualItemForOffset(scroller.current?.scrollTop ?? 0);
        return index.lineAt(item?.index ?? 0)?.number ?? 0;
      },
    }),
    [virtualizer, index],
  );

  const onScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const isUpwards = element.scrollTop < lastTop.current;
    lastTop.current = element.scrollTop;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW_PX;
    // New lines put the end further away as well: only going up means that somebody wants to read.
    if (isAtEnd && !isFollowing && !isUpwards) onFollowingChange(true);
    else if (!isAtEnd && isUpwards && isFollowing) onFollowingChange(false);
  };

  return (
    <div
      ref={scroller}
      className={styles['scroller']}
      role="region"
      aria-label={label}
      tabIndex={0}
      onScroll={onScroll}
      onKeyDown={(event) => {
        // With a flood of lines, the end would have moved on before it is reached.
        if (event.key === 'End') onFollowingChange(true);
        onKeyDown(event);
      }}
    >
      <div className={isWrapped ? styles['wrapped'] : styles['lines']} style={{ height: virtualizer.getTotalSize() }}>
        <span ref={probe} className={styles['probe']} aria-hidden>
          {PROBE_TEXT}
        </span>
        <p className={styles['beginning']}>{beginning}</p>
        {rows.map(({ index: at, start, key }) => {
          const line = index.lineAt(at);
          return line === undefined ? null : (
            <LogRow
              key={key}
              line={line}
              at={at}
              start={start}
              query={query}
              isCurrent={line.number === current}
              isSelected={selection !== undefined && isSelected(selection, line.number)}
              hasTime={hasTime}
              measure={isWrapped ? virtualizer.measureElement : undefined}
              onSelect={onSelect}
            />
          );
        })}
      </div>
    </div>
  );
}
