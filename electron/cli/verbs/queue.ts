import type { Bridge } from '#shared/contract/bridge.ts';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';
import { formatTable, type Column } from '../format-table.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** `corral queue`: what waits, in the order it will be served. As JSON: a list of queue entry views. */
export async function showQueue(bridge: Bridge, { terminal, isJson, signal, wallMs }: VerbContext): Promise<void> {
  const { queue } = await bridge.call('get-snapshot', {}, signal);
  const ordered = queue.toSorted((one, other) => one.position - other.position);
  if (isJson) {
    writeJson(terminal, ordered);
    return;
  }
  const nowMs = wallMs();
  const columns: readonly Column<QueueEntryView>[] = [
    { header: 'POSITION', isNumber: true, text: (entry) => String(entry.position) },
    { header: 'ID', text: (entry) => entry.id },
    { header: 'MODEL', text: (entry) => entry.modelId },
    { header: 'LANE', text: (entry) => entry.lane },
    { header: 'PRIORITY', isNumber: true, text: (entry) => String(entry.priority) },
    { header: 'WAITS FOR', text: (entry) => entry.waitsFor },
    { header: 'AGE', text: (entry) => formatDuration(nowMs - entry.enqueuedAt) },
  ];
  terminal.write(formatTable(ordered, columns, terminal.paint));
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
