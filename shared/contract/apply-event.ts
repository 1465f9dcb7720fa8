import { assertNever } from '../lib/assert-never.ts';
import type { NumberedEvent } from './events.ts';
import type { Snapshot } from './snapshot.ts';

/** The snapshot after an event; undefined if the event does not follow it, so that the caller must fetch a new one. */
export function applyEvent(snapshot: Snapshot, { sequence, event }: NumberedEvent): Snapshot | undefined {
  if (sequence !== snapshot.sequence + 1) return undefined;
  switch (event.type) {
    case 'model-changed':
      return {
        ...snapshot,
        sequence,
        models: snapshot.models.map((model) => (model.id === event.model.id ? event.model : model)),
      };
    case 'models-changed':
      return { ...snapshot, sequence, models: event.models };
    case 'queue-changed':
      return { ...snapshot, sequence, queue: event.queue };
    case 'pools-changed':
      return { ...snapshot, sequence, pools: event.pools };
    case 'memory-changed':
      return { ...snapshot, sequence, memory: event.memory };
    case 'engine-changed':
      return { ...snapshot, sequence, engine: event.engine };
    case 'instance-changed':
      return { ...snapshot, sequence, instance: event.instance };
    case 'downloads-changed':
      return { ...snapshot, sequence, downloads: event.downloads };
    case 'log-appended':
    case 'requests-recorded':
      return { ...snapshot, sequence };
    default:
      return assertNever(event);
  }
}
