import { formatDuration } from '#shared/model/units.ts';
import { NO_BYTES, type DeviceBytes, type ModelNeed } from '../memory/device-facts.ts';
import { isResident } from '#shared/model/model-state.ts';
import { availableBeside } from './explain-memory.ts';
import type { RoomPolicy } from './room.ts';
import type { ModelFacts, SchedulerFacts } from './view.ts';

/** What loading a model would take and do. */
export interface LoadPlan {
  readonly modelId: string;
  readonly isLoaded: boolean;
  /** `fits`: at once; `evicts`: once those in `ejects` are gone; `waits`: for what is busy or on its way; `no-room`: never. */
  readonly outcome: 'fits' | 'evicts' | 'waits' | 'no-room' | 'unknown';
  readonly need: ModelNeed | undefined;
  /** Where it would go; empty if nobody knows. */
  readonly bytes: DeviceBytes;
  /** What is free for it now. */
  readonly free: DeviceBytes;
  readonly ejects: readonly { readonly modelId: string; readonly reason: string; readonly bytes: DeviceBytes }[];
  /** Those that stay loaded. */
  readonly keeps: readonly string[];
  /** Busy models it would wait for. */
  readonly waitsFor: readonly string[];
  readonly expectedLoadMs: number;
  /** Why there is no room. */
  readonly problem: string | undefined;
}

/**
 * Asks the very policy that loads are decided by what it would do for a request that came now. Pure: nothing is started,
 * stopped or reserved.
 */
export function decideLoadPlan(facts: SchedulerFacts, modelId: string, room: RoomPolicy): LoadPlan {
  const { nowMs, memory, waiting } = facts;
  const models = [...facts.models.values()];
  const asked = facts.models.get(modelId);
  const wanted = new Set(waiting.map((entry) => entry.modelId));
  const others = models.filter((model) => model.id !== modelId);
  const residents = others.filter((model) => isResident(model.state));
  const base = {
    modelId,
    need: asked?.need,
    free: availableBeside(
      others.filter(({ reserved }) => reserved.size > 0),
      memory?.devices ?? [],
    ),
    expectedLoadMs: asked?.reloadMs ?? 0,
  };
  const nothing = { ejects: [], waitsFor: [], bytes: NO_BYTES, problem: undefined };
  const keeping = (gone: readonly string[]): string[] =>
    residents.map(({ id }) => id).filter((id) => !gone.includes(id));
  if (asked !== undefined && isResident(asked.state)) {
    return { ...base, ...nothing, isLoaded: true, outcome: 'fits', bytes: asked.reserved, keeps: keeping([]) };
  }
  const answer = room({ nowMs, modelId, models, memory, isWanted: (id) => wanted.has(id) });
  const plan = { ...base, ...nothing, isLoaded: false, keeps: keeping([]) };
  switch (answer.kind) {
    case 'fits':
      return { ...plan, outcome: 'fits', bytes: answer.placement?.bytes ?? NO_BYTES };
    case 'evict': {
      const ejects = answer.victims.map((id) => explainVictim(facts.models.get(id), id, nowMs));
      return {
        ...plan,
        outcome: 'evicts',
        bytes: answer.placement?.bytes ?? NO_BYTES,
        ejects,
        keeps: keeping(answer.victims),
      };
    }
    case 'wait':
      return { ...plan, outcome: 'waits', waitsFor: answer.yielding };
    case 'never':
      return { ...plan, outcome: 'no-room', problem: answer.message };
    case 'prepare':
      return { ...plan, outcome: 'unknown' };
  }
}

function explainVictim(
  model: ModelFacts | undefined,
  modelId: string,
  nowMs: number,
): { modelId: string; reason: string; bytes: DeviceBytes } {
  const idleMs = model === undefined ? 0 : Math.max(0, nowMs - model.lastUsedMs);
  const cost = model === undefined ? 0 : model.reloadMs;
  return {
    modelId,
    reason: `idle for ${formatDuration(idleMs)}, back in about ${formatDuration(cost)}`,
    bytes: model?.reserved ?? NO_BYTES,
  };
}
