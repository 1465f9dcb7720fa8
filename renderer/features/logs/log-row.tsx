import { memo } from 'react';
import type { BufferedLine } from './log-buffer.ts';
import { formatLineTime } from './log-session.ts';
import { splitMatches } from './split-matches.ts';
import styles from './log-row.module.css';

export interface LogRowProps {
  readonly line: BufferedLine;
  readonly at: number;
  readonly start: number;
  readonly query: string;
  readonly isCurrent: boolean;
  readonly isSelected: boolean;
  readonly hasTime: boolean;
  /** Where heights differ. */
  readonly measure: ((element: Element | null) => void) | undefined;
  onSelect(number: number, isExtending: boolean): void;
}

/** One line. Its number is a handle: a click chooses the line, with Shift all lines up to it. */
export const LogRow = memo(function LogRow(props: LogRowProps) {
  const { line, at, start, query, isCurrent, isSelected, hasTime, measure, onSelect } = props;
  return (
    <div
      ref={measure}
      data-index={at}
      data-line={line.number}
      data-level={line.level}
      data-stream={line.stream}
      data-current={isCurrent}
      data-selected={isSelected}
      className={styles['row']}
      style={{ transform: `translateY(${start}px)` }}
    >
      <span
        className={styles['number']}
        title="Click chooses this line, Shift-click all lines up to it"
        onClick={(event) => onSelect(line.number, event.shiftKey)}
      >
        {line.missing > 0 ? '…' : line.number}
      </span>
      {hasTime ? <time className={styles['time']}>{formatLineTime(line.at)}</time> : null}
      <span className={styles['text']}>
        {splitMatches(line.text, query).map(({ text, isMatch }, part) =>
          isMatch ? <mark key={part}>{text}</mark> : text,
        )}
      </span>
    </div>
  );
});
