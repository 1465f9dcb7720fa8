import type { EjectMode } from '#shared/contract/commands.ts';
import type { AppError } from '#shared/contract/errors.ts';
import type { CommandModelConfig } from '../../../../electron/engine/config/resolved-config.ts';
import type { Lease } from '../../../../electron/engine/scheduler/lease.ts';
import type { SetFacts } from '../../../../electron/engine/scheduler/companions.ts';
import { createCountRoom } from '../../../../electron/engine/scheduler/room.ts';
import { noMemoryKeeper } from '../../../../electron/engine/ports/memory-keeper.ts';
import { createScheduler } from '../../../../electron/engine/scheduler/scheduler.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import type { FakeProcessBehaviour } from '../../../fakes/fake-supervisor.ts';
import { createFakeSupervisor } from '../../../fakes/fake-supervisor.ts';
import { commandModelConfig } from '../../../fakes/model-config.ts';

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

interface AskOptions {
  readonly lane?: string;
  readonly priority?: number;
  readonly setName?: string;
}

/** A scheduler over fake processes and a fake clock, with whoever asks it for something. */
export function createWorld(
  models: Record<string, Partial<CommandModelConfig>>,
  options: {
    maxLoaded?: number;
    canEvict?: boolean;
    maxQueued?: number;
    laneLimits?: ReadonlyMap<string, number>;
    sets?: readonly SetFacts[];
  } = {},
) {
  const { maxLoaded = 1, canEvict = true, maxQueued = 1000, laneLimits = new Map(), sets = [] } = options;
  const clock = createFakeClock();
  const behaviour: FakeProcessBehaviour = { prepareMs: 1, loadMs: 100, stopMs: 10, nextStart: () => 'ready' };
  const ids = Object.keys(models);
  const supervisor = createFakeSupervisor(clock, new Map(ids.map((id) => [id, behaviour])));
  const scheduler = createScheduler({
    models: new Map(ids.map((id) => [id, commandModelConfig(id, { concurrency: 1, ...models[id] })])),
    supervisor,
    clock,
    room: createCountRoom({ maxLoaded, canEvict, sets }),
    fairnessBoundMs: 1000,
    maxQueued,
    laneLimits,
    togetherSets: [],
    byNameSets: new Map(sets.filter((set) => set.isByName).map((set) => [set.name, set.models])),
    gameModeRequests: 'hold',
    memory: noMemoryKeeper,
    onReservedChanged: () => undefined,
    onModelChanged: () => undefined,
    onQueueChanged: () => undefined,
  });

  return {
    clock,
    behaviour,
    supervisor,
    scheduler,
    state: (modelId: string) => supervisor.process(modelId).view().state,
    /** Lets time pass in steps, with the promises of each settled before the next. */
    async pass(durationMs: number, stepMs = 10): Promise<void> {
      await settle();
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        clock.advance(Math.min(stepMs, durationMs - passedMs));
        await settle();
      }
    },
    ask(modelId: string, { lane = 'default', priority = 0, setName }: AskOptions = {}) {
      const abort = new AbortController();
      const asked: { lease: Lease | undefined; error: AppError | undefined; cancel(): void } = {
        lease: undefined,
        error: undefined,
        cancel: () => abort.abort(new Error('client gone')),
      };
      scheduler.acquire({ modelId, setName, lane, priority, signal: abort.signal }).then(
        (lease) => (asked.lease = lease),
        (error: unknown) => (asked.error = error as AppError),
      );
      return asked;
    },
    eject: (modelId: string, mode: EjectMode) => scheduler.eject(modelId, mode, new AbortController().signal),
    load: (modelId: string, setName?: string) => scheduler.load(modelId, new AbortController().signal, setName),
  };
}
