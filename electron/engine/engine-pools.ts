import { randomBytes } from 'node:crypto';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import type { EventFeed } from './event-feed.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { createPools } from './pools/pools.ts';
import type { Pools } from './pools/pools-contract.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';

export interface EnginePools extends Omit<Pools, 'queue' | 'cancel' | 'configure'> {
  /** All that waits: for local models, then for pools. */
  queue(): QueueEntryView[];
  /** False if nothing of that id waits anywhere. */
  cancel(requestId: string): boolean;
  configure(config: ResolvedConfig): void;
  /** The queue changed, of whichever kind. */
  markQueue(): void;
}

/** The pools, and what the scheduler's queue and theirs are together. */
export function openEnginePools({
  config,
  clock,
  logger,
  feed,
  scheduler,
}: {
  readonly config: ResolvedConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly feed: EventFeed;
  /** Not there yet when this is opened. */
  scheduler(): Scheduler;
}): EnginePools {
  const markQueue = (): void => feed.mark('queue', () => ({ type: 'queue-changed', queue: queue() }));
  const pools = createPools({
    ownId: randomBytes(8).toString('hex'),
    clock,
    logger,
    onChanged: () => feed.mark('pools', () => ({ type: 'pools-changed', pools: pools.views() })),
    onQueueChanged: markQueue,
  });

  function queue(): QueueEntryView[] {
    const local = scheduler().queue();
    return [...local, ...pools.queue(local.length)];
  }

  function configure(from: ResolvedConfig): void {
    pools.configure({
      pools: from.pools,
      laneLimits: new Map(
        from.server.apiKeys.flatMap((key) => (key.concurrency === undefined ? [] : [[key.name, key.concurrency]])),
      ),
    });
  }

  configure(config);
  return {
    ...pools,
    queue,
    cancel: (requestId) => scheduler().cancel(requestId) || pools.cancel(requestId),
    configure,
    markQueue,
  };
}
