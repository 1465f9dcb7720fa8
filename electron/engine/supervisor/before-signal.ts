import type { Child } from '../process/child-process.ts';
import type { Endpoint } from './endpoint.ts';
import type { KvCacheKeeper } from './kv-cache-keeper.ts';
import type { Launch } from './launch.ts';
import { stopCommandOf } from './stop-command.ts';

/** What comes before the signal to end: the stop command, or saving what a server that is at rest remembers. */
export function beforeSignalOf(
  launch: Launch,
  running: Child,
  options: Parameters<typeof stopCommandOf>[2] & {
    readonly kvCacheKeeper?: Pick<KvCacheKeeper, 'save'> | undefined;
    /** Null before it is ready. */
    readonly endpoint: Endpoint | null;
    readonly graceMs: number;
  },
): (() => Promise<void>) | undefined {
  const { kvCacheKeeper, endpoint, graceMs, ...stopping } = options;
  const { kvCache } = launch;
  const { note } = stopping;
  const isAtRest = endpoint !== null && endpoint.runningRequests === 0;
  if (kvCache !== undefined && isAtRest) {
    return async () => await kvCacheKeeper?.save(kvCache, endpoint, { graceMs, exited: running.exited, note });
  }
  return stopCommandOf(launch, running, stopping);
}
