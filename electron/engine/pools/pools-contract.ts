import type { QueueEntryView, PoolView } from '#shared/contract/snapshot.ts';
import type { PoolConfig } from '../config/resolved-config.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { WaitStatus } from '../scheduler/wait-forecast.ts';
import type { EndpointNews } from './endpoint-state.ts';
import type { PooledModel, PooledName } from './pool-names.ts';

export interface PoolAcquireOptions {
  readonly target: PooledName;
  readonly lane: string;
  readonly priority: number;
  /** Who asks, for pools that keep a user on one endpoint; undefined: nobody in particular. */
  readonly user: string | undefined;
  /** Endpoints that refused this request already. */
  readonly tried: ReadonlySet<string>;
  /** The client went away. */
  readonly signal: AbortSignal;
  /** It entered the queue under this id. */
  onQueued?(requestId: string): void;
}

/** The right to send one request to one endpoint. */
export interface PoolLease extends Lease {
  readonly endpointKey: string;
  readonly url: string;
  /** What stands before the path of the request. */
  readonly basePath: string;
  /** How long a connection to it may take to come about. */
  readonly connectTimeoutMs: number;
  /** Another endpoint could take the request if this one refuses. */
  readonly hasOther: boolean;
  /** What the request found out about the endpoint. */
  report(news: EndpointNews): void;
}

export interface PoolSettings {
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** How many requests of a lane may run at once. */
  readonly laneLimits: ReadonlyMap<string, number>;
}

/** A model of a pool, for lists. */
export interface ListedPoolModel extends PooledModel {
  /** Whether an endpoint that has it is there, so far as it is known. */
  readonly isReachable: boolean;
}

export interface Pools {
  /** Of this Corral in the header that finds loops. */
  readonly ownId: string;
  resolve(name: string): PooledName | undefined;
  /**
   * Waits for an endpoint that has room. Undefined once all were tried. Rejects with `queue-full`, `queue-timeout`,
   * `cancelled` or `shutting-down`, or with the signal's reason.
   */
  acquire(options: PoolAcquireOptions): Promise<PoolLease | undefined>;
  /** Whether a pool keeps users on one endpoint, so that it matters who asks. */
  isSticky(poolName: string): boolean;
  /** By the lists as last read. */
  models(): ListedPoolModel[];
  /** Reads lists that are older anew; an endpoint that does not answer is waited for no longer than its check may take. */
  refreshLists(maxAgeMs: number): Promise<void>;
  views(): PoolView[];
  queue(localCount: number): QueueEntryView[];
  waitStatus(requestId: string): WaitStatus | undefined;
  /** Takes a waiting request out of the queue; false if there is none of that id. */
  cancel(requestId: string): boolean;
  /** Endpoints that stay keep their connections and what is known of them; of those that go, running requests finish. */
  configure(settings: PoolSettings): void;
  /** Refuses what waits and comes, lets running requests go on for `graceMs`, aborts what is left. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}
