import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { FullStatus } from './status-view.ts';

/** Server-sent events of the state of models: the whole first, then what changes, and a heartbeat. */

export const HEARTBEAT_MS = 30_000;

/** A reader that lets so much pile up does not read any more. */
const MAX_PENDING_BYTES = 1024 * 1024;

export interface StatusStreams {
  /** Sends `full_status` at once, and what changes until the client goes away. */
  add(response: ServerResponse, read: () => FullStatus): void;
  /** Something changed; each stream is told what differs from what it was told last. */
  update(): void;
  close(): void;
}

interface Reader {
  readonly response: ServerResponse;
  read(): FullStatus;
  told: FullStatus;
}

export function createStatusStreams(clock: Clock): StatusStreams {
  const readers = new Set<Reader>();
  let heartbeat: Timer | undefined;

  function send({ response }: Reader, event: string, data: unknown): void {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (response.writableLength > MAX_PENDING_BYTES) response.destroy();
  }

  function beat(): void {
    const data = { timestamp: new Date(clock.wallMs()).toISOString() };
    for (const reader of readers) send(reader, 'heartbeat', data);
    heartbeat = clock.setTimer(HEARTBEAT_MS, beat);
  }

  function remove(reader: Reader): void {
    readers.delete(reader);
    if (readers.size > 0) return;
    heartbeat?.cancel();
    heartbeat = undefined;
  }

  return {
    add(response, read) {
      const reader: Reader = { response, read, told: read() };
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      });
      readers.add(reader);
      response.once('close', () => remove(reader));
      heartbeat ??= clock.setTimer(HEARTBEAT_MS, beat);
      send(reader, 'full_status', reader.told);
    },
    update() {
      for (const reader of readers) {
        const next = reader.read();
        for (const { event, data } of decideUpdates(reader.told, next)) send(reader, event, data);
        reader.told = next;
      }
    },
    close() {
      for (const reader of [...readers]) {
        reader.response.end();
        remove(reader);
      }
    },
  };
}

export interface StatusEvent {
  readonly event: 'full_status' | 'model_update' | 'server_update';
  readonly data: unknown;
}

/** What to tell of a change. The list of models itself having changed is told with the whole. Pure. */
export function decideUpdates(before: FullStatus, after: FullStatus): StatusEvent[] {
  const names = (status: FullStatus): string => JSON.stringify(Object.keys(status.models));
  if (names(before) !== names(after)) return [{ event: 'full_status', data: after }];
  const updates: StatusEvent[] = Object.values(after.models)
    .filter((model) => JSON.stringify(model) !== JSON.stringify(before.models[model.alias]))
    .map((data) => ({ event: 'model_update', data }));
  const isServerChanged = before.server.status !== after.server.status;
  return isServerChanged ? [...updates, { event: 'server_update', data: after.server }] : updates;
}
