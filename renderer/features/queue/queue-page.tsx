import { useState, type KeyboardEvent } from 'react';
import { Button } from '../../components/button.tsx';
import { Page } from '../../components/page.tsx';
import { Select } from '../../components/select.tsx';
import { EmptyState } from '../../components/states.tsx';
import { useAppStore } from '../../store/app-store.ts';
import { useEngine } from '../../store/engine-context.ts';
import { cssColourOf } from '../../store/model-colours.ts';
import { formatPlace } from '../../store/pages.ts';
import { selectColours } from '../../store/selectors.ts';
import { useNow } from '../../store/use-now.ts';
import { countByModel, summariseQueue } from './queue-rows.ts';
import { QueueTableRow } from './queue-table-row.tsx';
import { useHeldRows } from './use-held-rows.ts';
import styles from './queue-page.module.css';

/** Every row counts its age; more of them at once is more than anybody reads. */
const SHOWN_STEP = 200;

/** Who waits for what, why, and how long still. */
export function QueuePage() {
  const queue = useAppStore(({ snapshot }) => snapshot?.queue ?? none);
  const models = useAppStore(({ snapshot }) => snapshot?.models ?? none);
  const queueAt = useAppStore((state) => state.queueAt);
  const { actions } = useEngine();
  const now = useNow();
  const [model, setModel] = useState('');
  const [shownMax, setShownMax] = useState(SHOWN_STEP);
  const [cancelling, setCancelling] = useState<ReadonlySet<string>>(() => new Set());
  const { rows, holdProps } = useHeldRows(queue);
  const colours = selectColours(models);
  const counts = countByModel(queue);
  const matching = model === '' ? rows : rows.filter(({ entry }) => entry.modelId === model);
  const shown = matching.slice(0, shownMax);

  const cancel = async (id: string): Promise<void> => {
    setCancelling((before) => new Set(before).add(id));
    await actions.cancelRequest(id);
    setCancelling((before) => new Set([...before].filter((each) => each !== id)));
  };

  return (
    <Page
      title="Queue"
      actions={
        <>
          <span className={styles['summary']}>{summariseQueue(queue, now)}</span>
          {counts.length > 1 || model !== '' ? (
            <Select
              label="Which model’s queue"
              value={model}
              options={[
                { value: '', label: `All models (${queue.length})` },
                ...withChosen(counts, model).map(([id, count]) => ({ value: id, label: `${id} (${count})` })),
              ]}
              onChange={setModel}
            />
          ) : null}
        </>
      }
    >
      {rows.length === 0 ? (
        <EmptyState title="Nobody waits">
          <p>
            A request waits here when all slots of its model are busy, while the model loads, or until there is room for
            it. You will see what it waits for and how long still, and can cancel it.
          </p>
        </EmptyState>
      ) : matching.length === 0 ? (
        <EmptyState title={`Nobody waits for ${model}`}>
          <Button onClick={() => setModel('')}>Show all who wait</Button>
        </EmptyState>
      ) : (
        <table className={styles['queue']}>
          <caption className="visually-hidden">Waiting requests, the next one first</caption>
          <thead>
            <tr>
              <th scope="col" className={styles['number']} title="Place in the queue">
                #
              </th>
              <th scope="col">Model</th>
              <th scope="col">Lane</th>
              <th scope="col">Waits for</th>
              <th scope="col" className={styles['number']}>
                Age
              </th>
              <th scope="col" className={styles['number']}>
                Expected
              </th>
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody {...holdProps} onKeyDown={moveBetweenRows}>
            {shown.map((row) => (
              <QueueTableRow
                key={row.entry.id}
                row={row}
                colour={cssColourOf(colours, row.entry.modelId)}
                queueAt={queueAt}
                now={now}
                isCancelling={cancelling.has(row.entry.id)}
                onCancel={(id) => void cancel(id)}
              />
            ))}
          </tbody>
        </table>
      )}
      {matching.length > shown.length ? (
        <p className={styles['more']}>
          {matching.length - shown.length} more wait behind these.{' '}
          <Button onClick={() => setShownMax((before) => before + SHOWN_STEP)}>Show more</Button>
        </p>
      ) : null}
      {queue.length > 0 ? (
        <p className={styles['hint']}>
          By priority, then age; requests for one model go together where that saves a reload.{' '}
          <a href={formatPlace({ page: 'activity', subject: undefined })}>Those that ended</a>
        </p>
      ) : null}
    </Page>
  );
}

const none: readonly never[] = [];

/** The chosen model stays in the list when nobody waits for it any more. */
function withChosen(
  counts: readonly (readonly [string, number])[],
  chosen: string,
): readonly (readonly [string, number])[] {
  return chosen === '' || counts.some(([id]) => id === chosen) ? counts : [...counts, [chosen, 0]];
}

/** Arrows go from row to row, from a name to a name and from a button to a button. */
function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const target = event.target as HTMLElement;
  if (step === undefined) return;
  const kind = target.tagName === 'A' ? 'a' : 'button';
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(kind)];
  const next = all[all.indexOf(target) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
