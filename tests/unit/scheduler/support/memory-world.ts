import { AppError } from '#shared/contract/errors.ts';
import type { FileModelConfig, ModelConfig } from '../../../../electron/engine/config/resolved-config.ts';
import { RAM, type DeviceBytes, type ModelNeed } from '../../../../electron/engine/memory/device-facts.ts';
import { createMemoryKeeper, type EngineMemory } from '../../../../electron/engine/memory/memory-keeper.ts';
import { createMemoryRoom } from '../../../../electron/engine/scheduler/memory-room.ts';
import { createCountRoom, type RoomPolicy } from '../../../../electron/engine/scheduler/room.ts';
import { createScheduler } from '../../../../electron/engine/scheduler/scheduler.ts';
import type { Scheduler, SchedulerSettings } from '../../../../electron/engine/scheduler/scheduler-contract.ts';
import type { Lease } from '../../../../electron/engine/scheduler/lease.ts';
import { createFakeClock, type FakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeMachine, type FakeMachine, type FakeMachineDevice } from '../../../fakes/fake-machine.ts';
import {
  createFakeSupervisor,
  type FakeProcessBehaviour,
  type FakeSupervisor,
} from '../../../fakes/fake-supervisor.ts';
import { commandModelConfig, fileModelConfig } from '../../../fakes/model-config.ts';
import { createHistory, type History } from './history.ts';

export const GIB = 1024 ** 3;

export interface WorldModel {
  /** What is believed of it until it was measured. */
  readonly need: ModelNeed;
  /** What it takes in truth, as a part of that. */
  readonly truth: number;
  /** With a context that was made smaller, as a part of what it takes else. */
  readonly reduced?: (contextSize: number) => number;
  readonly loadMs: number;
  readonly stopMs?: number;
  readonly nextStart?: FakeProcessBehaviour['nextStart'];
  readonly config?: Partial<FileModelConfig>;
}

export interface WorldOptions {
  readonly devices: readonly FakeMachineDevice[];
  readonly models: Readonly<Record<string, WorldModel>>;
  readonly budgetsBytes?: Readonly<Record<string, number>>;
  readonly reserveBytes?: number;
  readonly canEvict?: boolean;
  readonly fairnessBoundMs?: number;
  /** Milliseconds from a process' end until what it held is free. */
  readonly returnDelayMs?: () => number;
  readonly readMs?: number;
  readonly room?: RoomPolicy;
  readonly maxQueued?: number;
  /** As if no load took any time, to whoever decides. */
  readonly hidesLoadTimes?: boolean;
  readonly gameModeRequests?: 'hold' | 'refuse';
  /** A load was decided; called when what it needs is reserved and nothing has happened yet. */
  readonly onStarted?: (modelId: string) => void;
}

export interface MemoryWorld {
  readonly clock: FakeClock;
  readonly machine: FakeMachine;
  readonly keeper: EngineMemory;
  readonly supervisor: FakeSupervisor;
  readonly scheduler: Scheduler;
  readonly history: History;
  /** Largest sum of reservations that the budgets allow, by device. */
  readonly budgets: DeviceBytes;
  readonly settings: SchedulerSettings;
  /** Asks, serves for `serviceMs` and lets go; resolves with how long it waited, or with the code it was refused with. */
  ask(modelId: string, options: AskOptions): Promise<AskOutcome>;
  kill(modelId: string): void;
  /** Lets time pass, with the promises of each moment settled before the next. */
  passUntil(endMs: number): Promise<void>;
}

export interface AskOptions {
  readonly serviceMs: number;
  readonly lane?: string;
  readonly priority?: number;
  readonly cancelAfterMs?: number | undefined;
}

export type AskOutcome =
  | { readonly kind: 'served'; readonly waitedMs: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly waitedMs: number };

/** A need whose layers all go to accelerators if they fit. */
export function offloadedNeed(offloadedBytes: number, changes: Partial<ModelNeed> = {}): ModelNeed {
  return {
    source: 'estimate',
    offloadedBytes,
    perDeviceBytes: 0.4 * GIB,
    hostBytes: 0.5 * GIB,
    cpuBytes: offloadedBytes + 0.5 * GIB,
    offload: 'auto',
    devices: [],
    ...changes,
  };
}

/** Lets promises settle; from a reading to the one who waits it takes the scheduler and the keeper some turns. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 24; turn += 1) await Promise.resolve();
}

/** The real scheduler, room policy and keeper over simulated processes in simulated memory. */
export function createMemoryWorld(options: WorldOptions): MemoryWorld {
  const { devices, models, budgetsBytes = {}, reserveBytes = 0 } = options;
  const clock = createFakeClock();
  const history = createHistory(() => clock.nowMs());
  const machine = createFakeMachine(clock, devices, { readMs: options.readMs ?? 0 });
  const returnDelayMs = options.returnDelayMs ?? (() => 0);
  const taken = new Map<number, DeviceBytes>();
  const leases = new Map<string, Set<Lease>>();
  let nextRequest = 1;

  const behaviours = new Map<string, FakeProcessBehaviour>(
    Object.entries(models).map(([modelId, model]) => [
      modelId,
      {
        prepareMs: 1,
        loadMs: model.loadMs,
        stopMs: model.stopMs ?? 20,
        nextStart: model.nextStart ?? (() => 'ready'),
        takeMemory(pid, { placement, reducedContextSize }) {
          if (placement === undefined) return true;
          const part = reducedContextSize === undefined ? 1 : (model.reduced?.(reducedContextSize) ?? 1);
          // Of a model that is put on accelerators in part llama-server takes as many layers as there is room for.
          const truth = placement.isPartial ? Math.min(1, model.truth) : model.truth;
          const bytes = new Map([...placement.bytes].map(([device, planned]) => [device, planned * truth * part]));
          if (!machine.take(pid, bytes)) return false;
          taken.set(pid, bytes);
          return true;
        },
        onGone: (pid) => machine.giveBack(pid, returnDelayMs()),
      },
    ]),
  );
  const supervisor = createFakeSupervisor(clock, behaviours, (modelId, state, askedBy = '') => {
    if (state === 'starting') {
      history.note({ kind: 'started', modelId, reserved: scheduler.reserved() });
      options.onStarted?.(modelId);
    } else if (state === 'loading') {
      history.note({ kind: 'spawned', modelId, generation: supervisor.process(modelId).view().generation });
    } else if (state === 'stopping') history.note({ kind: 'stopping', modelId, askedBy });
    else if (state === 'off' || state === 'crashed') history.note({ kind: 'gone', modelId });
  });

  const configs = new Map<string, ModelConfig>(
    Object.entries(models).map(([modelId, { need, config }]) => [
      modelId,
      need.source === 'unknown'
        ? commandModelConfig(modelId, { concurrency: config?.concurrency ?? 1 })
        : fileModelConfig(modelId, { concurrency: 1, ttlMs: 0, ...config }),
    ]),
  );
  const measuredModels = new Set<string>();
  const keeper = createMemoryKeeper({
    monitor: machine.monitor,
    clock,
    settings: () => ({ reserveBytes, budgetsBytes }),
    holders: () =>
      [...configs.keys()].flatMap((modelId) => {
        const { state, pid } = supervisor.process(modelId).view();
        const held = scheduler.reserved().get(modelId);
        if (held === undefined && (state === 'off' || state === 'crashed' || state === 'failed')) return [];
        const isSettled = state === 'ready' || state === 'draining';
        return [{ modelId, pid: pid ?? undefined, held: held ?? new Map<string, number>(), isSettled }];
      }),
    findNeed(modelId) {
      const model = models[modelId];
      if (model === undefined || model.need.source === 'unknown') return Promise.resolve(undefined);
      const factor = measuredModels.has(modelId) ? model.truth : 1;
      return Promise.resolve({
        ...model.need,
        source: factor === 1 ? model.need.source : 'measured',
        offloadedBytes: model.need.offloadedBytes * factor,
        perDeviceBytes: model.need.perDeviceBytes * factor,
        hostBytes: model.need.hostBytes * factor,
        cpuBytes: model.need.cpuBytes * factor,
      });
    },
    expectedLoadMs: (modelId) => (options.hidesLoadTimes === true ? 0 : (models[modelId]?.loadMs ?? 0)),
    onObserved: () => undefined,
    measure(modelId) {
      const { pid } = supervisor.process(modelId).view();
      return Promise.resolve(pid === null ? undefined : taken.get(pid));
    },
  });

  const settings: SchedulerSettings = {
    models: configs,
    room:
      options.room ??
      createMemoryRoom({
        count: createCountRoom({ maxLoaded: Number.POSITIVE_INFINITY, canEvict: options.canEvict ?? true }),
        canEvict: options.canEvict ?? true,
      }),
    fairnessBoundMs: options.fairnessBoundMs ?? 2000,
    maxQueued: options.maxQueued ?? 10_000,
    laneLimits: new Map(),
    togetherSets: [],
    gameModeRequests: options.gameModeRequests ?? 'hold',
  };
  const scheduler = createScheduler({
    ...settings,
    supervisor,
    clock,
    memory: keeper,
    onModelChanged: () => undefined,
    onReservedChanged: () => history.note({ kind: 'reservations', reserved: scheduler.reserved() }),
    onQueueChanged: () => undefined,
  });

  function serve(requestId: string, lease: Lease, serviceMs: number, signal: AbortSignal): void {
    const { modelId } = lease;
    const { endpoint } = supervisor.process(modelId).view();
    const generation = Number(lease.endpoint.origin.split('/').at(-1));
    history.note({ kind: 'served', requestId, modelId, generation });
    const ofModel = leases.get(modelId) ?? new Set();
    leases.set(modelId, ofModel.add(lease));
    let isDone = false;
    const finish = (): void => {
      if (isDone) return;
      isDone = true;
      timer.cancel();
      ofModel.delete(lease);
      history.note({ kind: 'answered', requestId });
      lease.release();
    };
    const timer = clock.setTimer(serviceMs, finish);
    lease.onAborted = finish;
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted || endpoint !== lease.endpoint) finish();
  }

  return {
    clock,
    machine,
    keeper,
    supervisor,
    scheduler,
    history,
    settings,
    budgets: new Map(
      devices.map(({ id, totalBytes }) => [
        id,
        Math.max(0, Math.min(totalBytes - reserveBytes, budgetsBytes[id] ?? Number.POSITIVE_INFINITY)),
      ]),
    ),
    async ask(modelId, { serviceMs, lane = 'default', priority = 0, cancelAfterMs }) {
      const requestId = `q${nextRequest++}`;
      const askedMs = clock.nowMs();
      const abort = new AbortController();
      history.note({ kind: 'asked', requestId, modelId });
      if (cancelAfterMs !== undefined) clock.setTimer(cancelAfterMs, () => abort.abort(new Error('client gone')));
      try {
        const lease = await scheduler.acquire({ modelId, lane, priority, signal: abort.signal });
        serve(requestId, lease, serviceMs, abort.signal);
        measuredModels.add(modelId);
        return { kind: 'served', waitedMs: clock.nowMs() - askedMs };
      } catch (error) {
        const code = error instanceof AppError ? error.code : 'client-gone';
        history.note({ kind: 'refused', requestId, code });
        return { kind: 'refused', code, message: (error as Error).message, waitedMs: clock.nowMs() - askedMs };
      }
    },
    kill(modelId) {
      const running = [...(leases.get(modelId) ?? [])];
      const { endpoint } = supervisor.process(modelId).view();
      supervisor.process(modelId).crash();
      if (endpoint !== supervisor.process(modelId).view().endpoint) {
        // Who sends a request to a dead process is told so by its connection, and lets go.
        for (const lease of running) lease.onAborted?.(new AppError('upstream-unavailable', 'gone'));
      }
    },
    async passUntil(endMs) {
      for (;;) {
        await settle();
        const nextMs = clock.untilNextMs();
        if (nextMs === undefined || clock.nowMs() + nextMs > endMs) break;
        clock.advance(nextMs);
      }
      clock.advance(Math.max(0, endMs - clock.nowMs()));
      await settle();
    },
  };
}

export const ramDevice = (totalBytes: number): FakeMachineDevice => ({
  id: RAM,
  kind: 'ram',
  totalBytes,
  tellsProcesses: false,
});
