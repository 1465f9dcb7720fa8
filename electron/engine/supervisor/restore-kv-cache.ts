import type { Clock } from '../ports/clock.ts';
import { openEndpoint } from './endpoint.ts';
import type { KvCacheKeeper } from './kv-cache-keeper.ts';
import type { Launch } from './launch.ts';

/**
 * Gives a process what the last one of its model remembered, if that is kept. Before anybody hears that it is ready, so that
 * no request comes in between. Rejects with the signal's reason.
 */
export async function restoreKvCache(
  { kvCache, listen, apiKey }: Pick<Launch, 'kvCache' | 'listen' | 'apiKey'>,
  options: {
    readonly kvCacheKeeper?: Pick<KvCacheKeeper, 'restore'> | undefined;
    readonly connectTimeoutMs: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    note(text: string): void;
  },
): Promise<void> {
  if (kvCache === undefined) return;
  const { kvCacheKeeper, connectTimeoutMs, clock, signal, note } = options;
  const endpoint = openEndpoint({ listen, apiKey, advertisedIdleMs: undefined, connectTimeoutMs, clock });
  await kvCacheKeeper?.restore(kvCache, endpoint, { signal, note });
  await endpoint.close();
  signal.throwIfAborted();
}
