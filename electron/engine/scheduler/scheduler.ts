import { AppError } from '#shared/contract/errors.ts';
import { isResident } from '#shared/model/model-state.ts';
import { delay } from '../ports/clock.ts';
import { noteAskedBy } from './asked-by.ts';
import { createCarryOut } from './carry-out.ts';
import { decide } from './decide.ts';
import { askForEject, callOffEject, ejectUnheard, nothingToEject } from './ejects.ts';
import type { Lease } from './lease.ts';
import { createLeases } from './leases.ts';
import { decideLoadPlan } from './load-plan.ts';
import type { ModelProcessView } from '../supervisor/model-process-contract.ts';
import {
  concurrencyOf,
  modelCounts,
  modelFacts,
  touchCompanions,
  ttlMsOf,
  updateRecords,
  type ModelRecord,
} from './model-record.ts';
import { mayTryAgain, withHolders } from './out-of-memory.ts';
import { createProcessChanges } from './process-changes.ts';
import { explainFull } from './queue-limits.ts';
import { createReservations } from './reservations.ts';
import type { AcquireOptions, Scheduler, SchedulerOptions, SchedulerSettings } from './scheduler-contract.ts';
import { createWaitForecast } from './wait-forecast.ts';
import { createWakeTimer } from './wake-timer.ts';
import { createWaitingLine, type WaitingEntry } from './waiting-line.ts';
import type { ModelFacts, SchedulerFacts, WaitingFacts } from './view.ts';

/** Work that nobody's request stands behind: the load command, models loaded at start. */
const INTERNAL_LOAD = { lane: 'corral', priority: 0, kind: 'load', maxWaitMs: Number.POSITIVE_INFINITY } as const;

/** What somebody wants of a model. */
interface Wish extends Pick<WaitingFacts, 'modelId' | 'setName' | 'lane' | 'priority' | 'kind'> {
  readonly isOptional?: boolean;
  readonly maxWaitMs: number;
  readonly signal?: AbortSignal;
  readonly onQueued?: AcquireOptions['onQueued'];
}

/** Carries out what `decide` decides. Owns the queue and who runs; never touches a process but through the supervisor. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { supervisor, clock, memory } = options;
  let settings: SchedulerSettings = options;
  const records = new Map<string, ModelRecord>();
  const line = createWaitingLine();
  const leases = createLeases({
    clock,
    processView: (modelId) => supervisor.process(modelId).view(),
    onModelChanged: options.onModelChanged,
    onReleased(model, serviceMs) {
      forecast.observeService(model.config.id, serviceMs);
      touchCompanions(model, records, settings.togetherSets);
      afterRelease(model);
    },
  });
  const processView = (modelId: string): ModelProcessView => supervisor.process(modelId).view();
  const forecast = createWaitForecast({ clock, line, gatherFacts, processView });
  let nextRequest = 1;
  let isDeciding = false;
  let isDirty = false;
  let closing: AppError | undefined;
  let isGameMode = false;
  const wake = createWakeTimer(clock, () => run());

  const reservations = createReservations({
    keeper: memory,
    onChanged: (modelId) => options.onReservedChanged(modelId),
    onRoom: run,
  });

  const parts = { supervisor, clock, memory, line, leases, reservations, forecast };
  const carryOut = createCarryOut({
    ...parts,
    record,
    settleRejected,
    onQueueChanged: options.onQueueChanged,
    onPrepared: run,
    decideAgain() {
      isDirty = true;
    },
  });

  const noteProcessChange = createProcessChanges({
    ...parts,
    onRemovedGone: forgetModel,
    onCrashed(modelId) {
      // It was wanted a moment ago; the restart policy says when, and how often. Nobody else has to go for it.
      if (closing === undefined) loadInBackground(modelId, { isOptional: true });
    },
  });

  updateRecords(records, settings.models);

  supervisor.listen({
    onChange(modelId) {
      if (!records.has(modelId)) return;
      noteProcessChange(record(modelId));
      options.onModelChanged(modelId);
      // Progress of a load is part of what its queue shows.
      if (line.countRequests(modelId) > 0) options.onQueueChanged();
      run();
    },
    onStartFailed(modelId, error) {
      if (memory.facts() === undefined || !mayTryAgain(record(modelId), error)) {
        const { devices = [] } = memory.facts() ?? {};
        const explained = withHolders(error, record(modelId), devices, gatherFacts().models.values());
        for (const entry of line.ofModel(modelId)) settleRejected(entry, explained);
      }
      run();
    },
  });

  function record(modelId: string): ModelRecord {
    const found = records.get(modelId);
    if (found === undefined) throw new AppError('not-found', `There is no model "${modelId}".`);
    return found;
  }

  function forgetModel(modelId: string): void {
    records.delete(modelId);
    forecast.forget(modelId);
    supervisor.forget(modelId);
  }

  /** Has the process end once it is idle; nobody in particular asked for it. */
  function replaceProcess(modelId: string): void {
    const model = record(modelId);
    if (!isResident(supervisor.process(modelId).view().state)) return;
    model.eject ??= {
      mode: 'replace',
      upToOrder: line.lastOrder(),
      startedMs: clock.nowMs(),
      settle: () => {
        if (!model.isRemoved && (model.isPinned || model.config.startup)) loadInBackground(modelId);
      },
    };
  }

  function noteAsked(model: ModelRecord, setName: string | undefined): void {
    noteAskedBy(model, setName, settings.byNameSets, records, (companion) => {
      if (!isResident(processView(companion.config.id).state)) return;
      ejectUnheard(companion, line.lastOrder(), clock);
      queueMicrotask(run);
    });
  }

  function loadInBackground(modelId: string, { isOptional = false } = {}): void {
    enterLine({ ...INTERNAL_LOAD, modelId, setName: record(modelId).setName, isOptional }).catch(() => {
      // The model's view carries the reason; here nobody waits for it.
    });
  }

  function gatherFacts(): SchedulerFacts {
    const models = new Map<string, ModelFacts>();
    for (const [id, model] of records) {
      const known = { need: memory.needOf(id), reserved: reservations.of(id), reloadMs: memory.expectedLoadMs(id) };
      models.set(id, modelFacts(model, supervisor.process(id).view(), known));
    }
    return {
      nowMs: clock.nowMs(),
      models,
      waiting: line.entries(),
      laneActive: leases.laneActive,
      laneLimits: settings.laneLimits,
      fairnessBoundMs: settings.fairnessBoundMs,
      memory: memory.facts(),
      gameMode: isGameMode ? settings.gameModeRequests : 'off',
    };
  }

  /** Decides and acts until nothing is left to do. What the acts change is decided on in the next round, not within one. */
  function run(): void {
    isDirty = true;
    if (isDeciding) return;
    isDeciding = true;
    try {
      while (isDirty) {
        isDirty = false;
        const { decisions, waitReasons, wakeAtMs } = decide(gatherFacts(), settings.room);
        if (line.setReasons(waitReasons)) options.onQueueChanged();
        for (const decision of decisions) carryOut(decision);
        wake.setAt(wakeAtMs);
      }
    } finally {
      isDeciding = false;
    }
  }

  /** With nobody waiting and nothing asked for, all that a completion changes is when the model will have been idle too long. */
  function afterRelease(model: ModelRecord): void {
    const ttlMs = ttlMsOf(model);
    if (line.size() > 0 || model.eject !== undefined) run();
    else if (ttlMs !== 0 && model.active.size === 0 && !model.isPinned) wake.setAt(model.lastUsedMs + ttlMs);
  }

  function settleRejected(entry: WaitingEntry, error: Error): void {
    line.remove(entry);
    options.onQueueChanged();
    // How many wait is part of what a model shows.
    options.onModelChanged(entry.modelId);
    entry.reject(error);
  }

  /** Enters the line and decides; resolves with a lease for a request, with nothing for a load. */
  function enterLine(wish: Wish): Promise<Lease | undefined> {
    const { modelId, setName, lane, priority, kind, isOptional = false, maxWaitMs, signal } = wish;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const nowMs = clock.nowMs();
      const onAbort = (): void => {
        settleRejected(entry, signal?.reason as Error);
        run();
      };
      const entry: WaitingEntry = line.add({
        id: `r${nextRequest++}`,
        modelId,
        setName,
        lane,
        kind,
        isOptional,
        priority,
        enqueuedMs: nowMs,
        enqueuedWallMs: clock.wallMs(),
        deadlineMs: nowMs + maxWaitMs,
        resolve(lease) {
          signal?.removeEventListener('abort', onAbort);
          resolve(lease);
        },
        reject(error) {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (kind === 'request' && refuseIfFull(entry)) return;
      if (!isOptional) noteAsked(record(modelId), setName);
      wish.onQueued?.(entry.id);
      options.onModelChanged(modelId);
      run();
    });
  }

  /** Refuses an entry that would have to wait where no more may; before anything is started or stopped for it. */
  function refuseIfFull(entry: WaitingEntry): boolean {
    const message = explainFull(entry.modelId, record(entry.modelId).config.queue.max, settings.maxQueued, line);
    if (message === undefined) return false;
    const { decisions, waitReasons } = decide(gatherFacts(), settings.room);
    if (decisions.some((decision) => 'requestId' in decision && decision.requestId === entry.id)) return false;
    line.setReasons(waitReasons);
    const retryAfterSeconds = forecast.retryAfterSeconds(entry);
    settleRejected(entry, new AppError('queue-full', message, { retryAfterSeconds }));
    return true;
  }

  function canGrantAtOnce(model: ModelRecord, lane: string): boolean {
    if (line.size() > 0 || model.eject !== undefined || isGameMode) return false;
    const laneLimit = settings.laneLimits.get(lane);
    if (laneLimit !== undefined && (leases.laneActive.get(lane) ?? 0) >= laneLimit) return false;
    const view = processView(model.config.id);
    return view.state === 'ready' && model.active.size < concurrencyOf(model.config, view);
  }

  return {
    acquireNow(modelId, lane, setName) {
      const model = record(modelId);
      if (closing !== undefined || !canGrantAtOnce(model, lane)) return undefined;
      noteAsked(model, setName);
      return leases.open(`r${nextRequest++}`, model, lane);
    },

    async acquire({ modelId, setName, lane, priority, signal, onQueued }) {
      const model = record(modelId);
      if (closing !== undefined) throw closing;
      signal.throwIfAborted();
      const { maxWaitMs } = model.config.queue;
      const lease = await enterLine({
        modelId,
        setName,
        lane,
        priority: priority + model.config.priority,
        kind: 'request',
        maxWaitMs,
        signal,
        onQueued,
      });
      if (lease === undefined) throw new AppError('internal', 'A request was granted like a load.');
      return lease;
    },

    async load(modelId, signal, setName) {
      const model = record(modelId);
      if (closing !== undefined) throw closing;
      if (model.eject !== undefined && supervisor.process(modelId).view().state !== 'stopping') {
        callOffEject(model);
        if (supervisor.process(modelId).view().state === 'draining') supervisor.process(modelId).cancelDrain();
      }
      await enterLine({ ...INTERNAL_LOAD, modelId, setName, signal });
    },

    eject(modelId, mode, signal) {
      const model = record(modelId);
      if (!isResident(supervisor.process(modelId).view().state)) return Promise.resolve(nothingToEject(modelId));
      const ejected = askForEject(model, { mode, upToOrder: line.lastOrder(), clock, signal });
      run();
      return ejected;
    },

    setPinned(modelId, isPinned) {
      record(modelId).isPinned = isPinned;
      options.onModelChanged(modelId);
      run();
    },

    keepAlive(modelId, keepAliveMs) {
      if (!isResident(processView(modelId).state)) return;
      const model = record(modelId);
      model.keepAliveMs = keepAliveMs;
      // Being asked to stay is a use.
      if (keepAliveMs > 0) model.lastUsedMs = clock.nowMs();
      run();
    },

    reset(modelId) {
      const model = record(modelId);
      model.outOfMemory = 0;
      model.contextSize = undefined;
      supervisor.process(modelId).reset();
    },

    cancel(requestId) {
      const entry = line.find(requestId);
      if (entry === undefined) return false;
      settleRejected(entry, new AppError('cancelled', 'The request was cancelled while it waited.'));
      run();
      return true;
    },

    configure(next, replaced) {
      settings = next;
      updateRecords(records, next.models);
      for (const [modelId, model] of records) {
        if (next.models.has(modelId)) continue;
        model.isRemoved = true;
        const error = new AppError('not-found', `Model "${modelId}" was removed from the configuration.`);
        for (const entry of line.ofModel(modelId)) settleRejected(entry, error);
        if (isResident(supervisor.process(modelId).view().state)) replaceProcess(modelId);
        else forgetModel(modelId);
      }
      for (const modelId of replaced) {
        supervisor.process(modelId).reset();
        record(modelId).contextSize = undefined;
        replaceProcess(modelId);
      }
      run();
    },

    counts: (modelId) =>
      modelCounts(record(modelId), processView(modelId), line.countRequests(modelId), reservations.of(modelId)),

    queue: forecast.queue,
    waitStatus: forecast.statusOf,

    plan(modelId) {
      record(modelId);
      return decideLoadPlan(gatherFacts(), modelId, settings.room);
    },

    reserved() {
      const held = [...records.keys()].map((modelId) => [modelId, reservations.of(modelId)] as const);
      return new Map(held.filter(([, bytes]) => bytes.size > 0));
    },

    setGameMode(isOn) {
      isGameMode = isOn;
      run();
    },

    isGameMode: () => isGameMode,

    async close(graceMs) {
      closing = new AppError('shutting-down', 'Corral is shutting down.', { retryAfterSeconds: 5 });
      wake.close();
      for (const entry of [...line.entries()]) settleRejected(entry, closing);
      const endMs = clock.nowMs() + graceMs;
      const isBusy = (): boolean => [...records.values()].some((model) => model.active.size > 0);
      while (isBusy() && clock.nowMs() < endMs) await delay(clock, Math.min(20, endMs - clock.nowMs()));
      for (const model of records.values()) leases.abort(model, closing);
    },
  };
}
