import type { Bridge } from '#shared/contract/bridge.ts';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';
import { isNotRunning } from '../connect.ts';
import { formatTable, type Column } from '../format-table.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** `corral queue`: what waits, in the order it will be served. As JSON: a list of queue entry views. */
export async function showQueue(bridge: Bridge, context: VerbContext): Promise<void> {
  const { queue } = await bridge.call('get-snapshot', {}, context.signal);
  const ordered = inOrder(queue);
  if (context.isJson) writeJson(context.terminal, ordered);
  else context.terminal.write(queueTable(ordered, context, context.wallMs()));
}

/** Ages are shown in seconds. */
const REDRAW_INTERVAL_MS = 1000;
const HOME_AND_CLEAR = '\u001b[H\u001b[J';

/**
 * `corral queue --follow`: the queue, and again each time it changes. A terminal shows the newest one alone, with ages that
 * go on; a pipe gets one table after the other. As JSON: a list a line. Ends without an error when it is aborted or when
 * Corral ends after it was there.
 */
export async function followQueue(bridge: Bridge, context: VerbContext): Promise<void> {
  const { terminal, isJson, signal, wallMs } = context;
  let shown: { readonly queue: readonly QueueEntryView[]; readonly atMs: number } | undefined;

  const draw = (): void => {
    if (shown === undefined) return;
    const { queue, atMs } = shown;
    if (isJson) terminal.write(`${JSON.stringify(queue)}\n`);
    else if (terminal.isOutputTty) terminal.write(HOME_AND_CLEAR + queueTable(queue, context, atMs));
    else terminal.write(`${queueTable(queue, context, atMs)}\n`);
  };
  const ticker = terminal.isOutputTty && !isJson ? setInterval(draw, REDRAW_INTERVAL_MS) : undefined;
  let unsubscribe = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      unsubscribe = bridge.subscribe({
        onUpdate({ snapshot, event }) {
          if (event !== undefined && event.type !== 'queue-changed') return;
          shown = { queue: inOrder(snapshot.queue), atMs: wallMs() };
          draw();
        },
        // Asking once tells whether Corral is still there; the subscription itself would try for ever.
        onDisconnect: () => {
          bridge.call('get-snapshot', {}, signal).catch((thrown: unknown) => {
            const isLost = thrown instanceof AppError && thrown.code === 'upstream-unavailable';
            // A connection that broke is tried again by the subscription.
            if (!isLost || isNotRunning(thrown)) reject(toAppError(thrown));
          });
        },
      });
    });
  } catch (thrown) {
    if (signal.aborted) return;
    if (!isNotRunning(thrown) || shown === undefined) throw thrown;
    if (!isJson) terminal.writeError('corral: Corral has ended, and so has its queue\n');
  } finally {
    clearInterval(ticker);
    unsubscribe();
  }
}

function inOrder(queue: readonly QueueEntryView[]): QueueEntryView[] {
  return queue.toSorted((one, other) => one.position - other.position);
}

/** `atMs`: when the queue was as it says. */
function queueTable(queue: readonly QueueEntryView[], { terminal, wallMs }: VerbContext, atMs: number): string {
  const nowMs = wallMs();
  const columns: readonly Column<QueueEntryView>[] = [
    { header: 'POSITION', isNumber: true, text: (entry) => String(entry.position) },
    { header: 'ID', text: (entry) => entry.id },
    { header: 'MODEL', text: (entry) => entry.modelId },
    { header: 'LANE', text: (entry) => entry.lane },
    { header: 'PRIORITY', isNumber: true, text: (entry) => String(entry.priority) },
    { header: 'AGE', text: (entry) => formatDuration(nowMs - entry.enqueuedAt) },
    {
      header: 'EXPECTED',
      text: ({ expectedWaitMs }) => (expectedWaitMs === null ? null : formatDuration(expectedWaitMs - (nowMs - atMs))),
    },
    { header: 'WAITS FOR', text: (entry) => entry.reason },
  ];
  return formatTable(queue, columns, terminal.paint);
}

/** `corral cancel ID`. As JSON: `{}`, the command's own answer. */
export async function cancelRequest(
  bridge: Bridge,
  { terminal, isJson, signal }: VerbContext,
  requestId: string,
): Promise<void> {
  const answer = await bridge.call('cancel-request', { request: requestId }, signal);
  if (isJson) writeJson(terminal, answer);
  else terminal.write(`Request ${printable(requestId)} is cancelled\n`);
}
