import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState, type KeyboardEvent } from 'react';
import { Button } from '../../components/button.tsx';
import { cssColourOf } from '../../store/model-colours.ts';
import { useNow } from '../../store/use-now.ts';
import type { ListedRequest } from './request-list.ts';
import { RequestRow } from './request-row.tsx';
import { useHeldList } from './use-held-list.ts';
import styles from './request-table.module.css';

const ROW_PX = 28;
const DAY_CHECK_MS = 60_000;

const columns = [
  { title: 'Time', hint: 'When it arrived', className: 'time' },
  { title: 'Model', hint: '', className: 'model' },
  { title: 'Lane', hint: 'The API key’s lane', className: 'soft' },
  { title: 'Route', hint: '⇢: streamed', className: 'soft' },
  { title: 'Queue', hint: 'Waited for a slot or room', className: 'number' },
  { title: 'Load', hint: 'Waited for the model to load', className: 'number' },
  { title: 'TTFT', hint: 'From arrival to the first byte of the answer', className: 'number' },
  { title: 'In', hint: 'Tokens of the prompt', className: 'number' },
  { title: 'Out', hint: 'Tokens of the answer', className: 'number' },
  { title: 'tok/s', hint: 'Tokens a second', className: 'number' },
  { title: 'Took', hint: 'From arrival to the end', className: 'number' },
  { title: 'Status', hint: 'What the client got, and what went wrong', className: 'end' },
] as const;

/** Requests, newest first; only the rows in sight are there. It stands still while the pointer is on it or one has scrolled. */
export function RequestTable({
  requests,
  colours,
}: {
  readonly requests: readonly ListedRequest[];
  readonly colours: ReadonlyMap<string, number>;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [openKey, setOpenKey] = useState<string | undefined>(undefined);
  const now = useNow(DAY_CHECK_MS);
  const { items, newCount, hold, release } = useHeldList(requests, ({ key }) => key);
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 8,
  });
  const rows = virtualizer.getVirtualItems();

  const releaseAtTop = (): void => {
    const element = scroller.current;
    if (element === null || element.scrollTop > 0 || element.matches(':hover') || openKey !== undefined) return;
    release();
  };
  return (
    <div className={styles['frame']}>
      {newCount === 0 ? null : (
        <Button
          className={styles['news'] ?? ''}
          onClick={() => {
            release();
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          {newCount === 1 ? 'Show 1 new request' : `Show ${newCount} new requests`}
        </Button>
      )}
      <div
        ref={scroller}
        className={styles['scroller']}
        role="table"
        aria-label="Requests, newest first"
        aria-rowcount={items.length + 1}
        tabIndex={0}
        onPointerEnter={hold}
        onPointerLeave={releaseAtTop}
        onScroll={() => {
          if ((scroller.current?.scrollTop ?? 0) > 0) hold();
          else releaseAtTop();
        }}
        onKeyDown={moveBetweenRows}
      >
        <div role="rowgroup" className={styles['head']}>
          <div role="row" aria-rowindex={1} className={styles['row']}>
            {columns.map(({ title, hint, className }) => (
              <span
                key={title}
                role="columnheader"
                className={styles[className]}
                title={hint === '' ? undefined : hint}
              >
                {title}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" className={styles['body']} style={{ height: virtualizer.getTotalSize() }}>
          {rows.map(({ index, start, key }) => {
            const request = items[index];
            return request === undefined ? null : (
              <div
                key={key}
                role="presentation"
                ref={virtualizer.measureElement}
                data-index={index}
                className={styles['item']}
                style={{ transform: `translateY(${start}px)` }}
              >
                <RequestRow
                  request={request}
                  at={index}
                  colour={cssColourOf(colours, request.modelId)}
                  isOpen={openKey === request.key}
                  now={now}
                  onToggle={(toggled) => {
                    hold();
                    setOpenKey((open) => (open === toggled ? undefined : toggled));
                  }}
                />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Arrows go from row to row. */
function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const target = event.target as HTMLElement;
  if (step === undefined || !target.matches('[data-row-head]')) return;
  const heads = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row-head]')].sort(
    (one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top,
  );
  const next = heads[heads.indexOf(target) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
