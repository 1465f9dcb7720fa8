import { AppError } from '#shared/contract/errors.ts';
import type { PoolView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { PoolConfig, PoolEndpointConfig } from '../config/resolved-config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { decideEndpoint, type EndpointFacts } from './decide-endpoint.ts';
import type { EndpointState } from './endpoint-state.ts';
import { createPoolLine, type PoolWaiter } from './pool-line.ts';
import { listPooledModels, resolvePooledName, type PooledName, type PoolFacts } from './pool-names.ts';
import type { PoolAcquireOptions, PoolLease, Pools, PoolSettings } from './pools-contract.ts';
import { openRemoteEndpoint, type RemoteEndpoint } from './remote-endpoint.ts';
import { createStickyTable, type StickyTable } from './sticky-table.ts';

/** An endpoint with what runs on it; pools that name the same address and key share it. */
interface Member {
  readonly remote: RemoteEndpoint;
  running: number;
  /** All that it answered or refused since Corral started. */
  served: number;
  lastChosen: number;
}

interface PoolRecord {
  readonly config: PoolConfig;
  readonly sticky: StickyTable;
}

interface Waiter extends PoolWaiter {
  readonly options: PoolAcquireOptions;
  readonly enqueuedMs: number;
  settle(outcome: PoolLease | undefined | AppError): void;
}

/** Chooses endpoints for requests and keeps account of them; what it chooses by is decided in `decide-endpoint.ts`. */
export function createPools(options: {
  readonly ownId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something that views show. */
  onChanged(): void;
  onQueueChanged(): void;
}): Pools {
  const { ownId, clock, logger, onChanged, onQueueChanged } = options;
  const members = new Map<string, Member>();
  const leases = new Set<PoolLease>();
  const laneRunning = new Map<string, number>();
  const line = createPoolLine<Waiter>();
  let pools = new Map<string, PoolRecord>();
  let laneLimits: ReadonlyMap<string, number> = new Map();
  let choices = 0;
  let requests = 0;
  let isClosing = false;
  let isPumping = false;
  /** For whoever waits until nothing runs any more. */
  let onIdle: (() => void) | undefined;

  function facts(): PoolFacts[] {
    return [...pools].map(([name, { config }]) => ({
      name,
      wildcard: config.wildcard,
      endpoints: config.endpoints.map((endpoint) => ({
        key: keyOf(endpoint),
        models: endpoint.models,
        listed: members.get(keyOf(endpoint))?.remote.listed(),
      })),
    }));
  }

  function endpointFacts(target: PooledName): EndpointFacts[] {
    const nowMs = clock.nowMs();
    const endpoints = pools.get(target.poolName)?.config.endpoints ?? [];
    return endpoints.flatMap((endpoint): EndpointFacts[] => {
      const key = keyOf(endpoint);
      const member = members.get(key);
      if (member === undefined || !target.endpointKeys.includes(key)) return [];
      const { health, restsUntilMs } = member.remote.state();
      return [
        {
          key,
          health,
          isResting: restsUntilMs > nowMs,
          isCold: isUnloaded(member.remote.listed()?.get(target.model)),
          runningRequests: member.running,
          concurrency: endpoint.concurrency,
          lastChosen: member.lastChosen,
        },
      ];
    });
  }

  /** A lease, `none` once all were tried, or why it has to wait. */
  function tryPlace(
    { target, lane, user, tried }: PoolAcquireOptions,
    requestId: string,
    queueWaitMs: number,
  ): PoolLease | 'none' | Pick<PoolWaiter, 'waitsFor' | 'reason'> {
    const pool = pools.get(target.poolName);
    if (pool === undefined) return 'none';
    const endpoints = endpointFacts(target);
    const limit = laneLimits.get(lane);
    const ofLane = laneRunning.get(lane) ?? 0;
    if (limit !== undefined && ofLane >= limit && endpoints.some(({ key }) => !tried.has(key))) {
      return { waitsFor: 'lane', reason: `lane ${lane}: ${ofLane} of ${limit} busy` };
    }
    const stickyEntry =
      pool.config.sticky === 'user' && user !== undefined ? stickyEntryOf(lane, user, target) : undefined;
    const nowMs = clock.nowMs();
    const ownKey = stickyEntry === undefined ? undefined : pool.sticky.find(stickyEntry, nowMs);
    const decision = decideEndpoint(endpoints, { stickyKey: ownKey, tried });
    if (decision.kind === 'none') return 'none';
    if (decision.kind === 'wait') {
      const running = endpoints.reduce((sum, each) => sum + each.runningRequests, 0);
      return { waitsFor: 'slot', reason: `slot of pool ${target.poolName}: ${running} busy` };
    }
    const member = members.get(decision.key);
    if (member === undefined) return 'none';
    if (stickyEntry !== undefined) {
      // One that is only busy is not left for good.
      const own = endpoints.find(({ key }) => key === ownKey && !tried.has(key));
      const stays = own?.health === 'healthy' && !own.isResting;
      pool.sticky.remember(stickyEntry, stays ? own.key : decision.key, nowMs);
    }
    return open(decision.key, member, { target, lane, requestId, queueWaitMs, hasOther: decision.hasOther });
  }

  function open(
    endpointKey: string,
    member: Member,
    given: { target: PooledName; lane: string; requestId: string; queueWaitMs: number; hasOther: boolean },
  ): PoolLease {
    const { target, lane, requestId, queueWaitMs, hasOther } = given;
    const { remote } = member;
    choices += 1;
    member.lastChosen = choices;
    member.running += 1;
    member.served += 1;
    laneRunning.set(lane, (laneRunning.get(lane) ?? 0) + 1);
    let isReleased = false;
    const lease: PoolLease = {
      requestId,
      modelId: target.label,
      endpoint: remote.connections,
      endpointKey,
      url: remote.url,
      basePath: remote.basePath,
      connectTimeoutMs: remote.connectTimeoutMs(),
      hasOther,
      queueWaitMs,
      loadWaitMs: 0,
      onAborted: undefined,
      report: remote.report,
      release() {
        if (isReleased) return;
        isReleased = true;
        leases.delete(lease);
        member.running -= 1;
        const left = (laneRunning.get(lane) ?? 1) - 1;
        if (left > 0) laneRunning.set(lane, left);
        else laneRunning.delete(lane);
        onChanged();
        pump();
        if (leases.size === 0) onIdle?.();
      },
    };
    leases.add(lease);
    onChanged();
    return lease;
  }

  /** Gives places to those who wait. Called whenever something may have become free. */
  function pump(): void {
    if (isPumping) return;
    isPumping = true;
    let hasChanged = false;
    for (const waiter of line.inOrder()) {
      const placed = tryPlace(waiter.options, waiter.id, clock.nowMs() - waiter.enqueuedMs);
      if (placed !== 'none' && !('requestId' in placed)) {
        hasChanged ||= waiter.reason !== placed.reason;
        Object.assign(waiter, placed);
        continue;
      }
      hasChanged = true;
      waiter.settle(placed === 'none' ? undefined : placed);
    }
    isPumping = false;
    if (hasChanged) onQueueChanged();
  }

  async function acquire(given: PoolAcquireOptions): Promise<PoolLease | undefined> {
    if (isClosing) throw shuttingDown();
    given.signal.throwIfAborted();
    requests += 1;
    const id = `pool-${requests}`;
    const placed = tryPlace(given, id, 0);
    if (placed === 'none') return undefined;
    if ('requestId' in placed) return placed;
    const { poolName, label } = given.target;
    const limits = pools.get(poolName)?.config.queue ?? { max: 0, maxWaitMs: 0 };
    if (line.countOf(poolName) >= limits.max) {
      throw new AppError(
        'queue-full',
        `The queue of pool "${poolName}" is full: ${limits.max} requests wait already.`,
        {
          retryAfterSeconds: 2,
        },
      );
    }
    return await new Promise((resolve, reject) => {
      const waiter: Waiter = {
        ...placed,
        id,
        poolName,
        label,
        lane: given.lane,
        priority: given.priority,
        enqueuedAt: clock.wallMs(),
        enqueuedMs: clock.nowMs(),
        options: given,
        settle(outcome) {
          line.remove(waiter);
          timer.cancel();
          given.signal.removeEventListener('abort', onAbort);
          if (outcome instanceof AppError) reject(outcome);
          else resolve(outcome);
          onQueueChanged();
        },
      };
      const onAbort = (): void => waiter.settle(new AppError('cancelled', 'The client went away.'));
      given.signal.addEventListener('abort', onAbort, { once: true });
      const timer = clock.setTimer(limits.maxWaitMs, () =>
        waiter.settle(
          new AppError(
            'queue-timeout',
            `The request waited ${formatDuration(limits.maxWaitMs)} for pool "${poolName}" and was given up: ${waiter.reason}.`,
            { retryAfterSeconds: 2 },
          ),
        ),
      );
      line.add(waiter);
      given.onQueued?.(id);
      onQueueChanged();
    });
  }

  function onEndpointChange(url: string, before: EndpointState, after: EndpointState): void {
    if (after.health === 'down' && before.health !== 'down') {
      logger.log('warn', `The endpoint ${url} cannot be used: ${after.problem ?? 'unknown'}`);
    } else if (after.health === 'healthy' && before.health === 'down') {
      logger.log('info', `The endpoint ${url} is back`);
    }
    onChanged();
    pump();
  }

  function configure(settings: PoolSettings): void {
    laneLimits = settings.laneLimits;
    const wanted = new Set<string>();
    for (const { endpoints, health } of settings.pools.values()) {
      for (const endpoint of endpoints) {
        const key = keyOf(endpoint);
        const known = members.get(key);
        // Of several pools with the same endpoint the first one says how it is checked.
        if (wanted.has(key)) continue;
        wanted.add(key);
        known?.remote.configure(health);
        if (known !== undefined) continue;
        const remote = openRemoteEndpoint({
          config: endpoint,
          health,
          ownId,
          clock,
          onChange: (before, after) => onEndpointChange(endpoint.url, before, after),
          onChecked: onChanged,
        });
        members.set(key, { remote, running: 0, served: 0, lastChosen: 0 });
      }
    }
    for (const [key, { remote }] of members) {
      if (wanted.has(key)) continue;
      members.delete(key);
      void remote.close();
    }
    pools = new Map(
      [...settings.pools].map(([name, config]) => {
        const limits = { ttlMs: config.stickyTtlMs, maxEntries: config.maxSticky };
        const sticky = pools.get(name)?.sticky ?? createStickyTable(limits);
        sticky.configure(limits);
        return [name, { config, sticky }];
      }),
    );
    onChanged();
    pump();
  }

  function endpointView(endpoint: PoolEndpointConfig): PoolView['endpoints'][number] {
    const member = members.get(keyOf(endpoint));
    const state = member?.remote.state();
    return {
      url: endpoint.url,
      health: state?.health ?? 'unknown',
      problem: state?.problem ?? null,
      isResting: (state?.restsUntilMs ?? 0) > clock.nowMs(),
      activeRequests: member?.running ?? 0,
      concurrency: endpoint.concurrency ?? null,
      servedRequests: member?.served ?? 0,
      modelCount: member?.remote.listed()?.size ?? null,
      checkedAt: member?.remote.checkedAt() ?? null,
    };
  }

  return {
    ownId,
    resolve: (name) => (pools.size === 0 ? undefined : resolvePooledName(facts(), name)),
    acquire,
    isSticky: (poolName) => pools.get(poolName)?.config.sticky === 'user',
    models: () =>
      listPooledModels(facts()).map((model) => ({
        ...model,
        isReachable: model.endpointKeys.some((key) => members.get(key)?.remote.state().health !== 'down'),
      })),
    async refreshLists(maxAgeMs) {
      await Promise.all([...members.values()].map(({ remote }) => remote.refreshList(maxAgeMs)));
    },
    views: () =>
      [...pools].map(([name, { config, sticky }]) => ({
        name,
        sticky: config.sticky,
        stickyUsers: sticky.size(),
        waitingRequests: line.countOf(name),
        endpoints: config.endpoints.map(endpointView),
      })),
    queue: line.views,
    waitStatus: line.statusOf,
    cancel(requestId) {
      const waiter = line.find(requestId);
      waiter?.settle(new AppError('cancelled', 'The request was taken out of the queue.'));
      return waiter !== undefined;
    },
    configure,
    async drain(graceMs) {
      isClosing = true;
      for (const waiter of line.inOrder()) waiter.settle(shuttingDown());
      if (leases.size === 0) return;
      await new Promise<void>((resolve) => {
        const previous = onIdle;
        const timer = clock.setTimer(graceMs, () => {
          for (const lease of leases) lease.onAborted?.(shuttingDown());
        });
        onIdle = () => {
          timer.cancel();
          previous?.();
          resolve();
        };
      });
    },
    async close() {
      await Promise.all([...members.values()].map(({ remote }) => remote.destroy()));
      members.clear();
    },
  };
}

/** Held in memory only: the key is part of it, since one address may be asked with several. */
function keyOf({ url, apiKey }: PoolEndpointConfig): string {
  return JSON.stringify([url, apiKey]);
}

function stickyEntryOf(lane: string, user: string, { model }: PooledName): string {
  return JSON.stringify([lane, user, model]);
}

/** Another Corral says so of each model it lists. */
function isUnloaded(listed: Readonly<Record<string, unknown>> | undefined): boolean {
  const corral = listed?.['corral'];
  if (typeof corral !== 'object' || corral === null || !('state' in corral)) return false;
  return typeof corral.state === 'string' && !['ready', 'draining', 'available'].includes(corral.state);
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'Corral is shutting down.', { retryAfterSeconds: 5 });
}
