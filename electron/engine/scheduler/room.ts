import { isResident } from '#shared/model/model-state.ts';
import type { ModelFacts } from './view.ts';

/**
 * Whether a model may be loaded beside what is resident. This is the seam between counting models and knowing memory: the
 * scheduler asks it and obeys, whatever it counts.
 */
export type RoomDecision =
  | { readonly kind: 'fits' }
  /** Fits once these idle models are gone. */
  | { readonly kind: 'evict'; readonly victims: readonly string[] }
  /** Room is coming (`leaving`) or has to come from these busy models once they are idle. */
  | { readonly kind: 'wait'; readonly yielding: readonly string[] }
  /** No amount of waiting makes room. */
  | { readonly kind: 'never'; readonly message: string };

export interface RoomQuestion {
  readonly modelId: string;
  readonly models: Iterable<ModelFacts>;
  /** Models that somebody older waits for; they are not taken away from under them. */
  readonly isWanted: (modelId: string) => boolean;
}

export type RoomPolicy = (question: RoomQuestion) => RoomDecision;

/** Room by number: at most `maxLoaded` models, the least recently used idle one goes first. Pure. */
export function createCountRoom({ maxLoaded, canEvict }: { maxLoaded: number; canEvict: boolean }): RoomPolicy {
  return ({ modelId, models, isWanted }) => {
    const resident = [...models].filter((model) => model.id !== modelId && isResident(model.state));
    const leaving = resident.filter((model) => model.state === 'draining' || model.state === 'stopping').length;
    if (resident.length < maxLoaded) return { kind: 'fits' };
    const needed = resident.length - leaving + 1 - maxLoaded;
    if (needed <= 0) return { kind: 'wait', yielding: [] };
    const pinned = resident.filter((model) => model.isPinned);
    if (pinned.length >= maxLoaded) {
      return {
        kind: 'never',
        message:
          `All ${maxLoaded} places (memory.maxLoaded) are held by pinned models: ${names(pinned)}. ` +
          `Unpin one or raise memory.maxLoaded.`,
      };
    }
    if (!canEvict) {
      return {
        kind: 'never',
        message:
          `All ${maxLoaded} places (memory.maxLoaded) are taken by ${names(resident)}, and memory.policy is \`reject\`. ` +
          `Eject one or raise memory.maxLoaded.`,
      };
    }
    const evictable = resident
      .filter((model) => !model.isPinned && model.state === 'ready')
      .sort((one, other) => one.priority - other.priority || one.lastUsedMs - other.lastUsedMs);
    const idle = evictable.filter((model) => model.activeRequests === 0 && !isWanted(model.id));
    if (idle.length >= needed) return { kind: 'evict', victims: idle.slice(0, needed).map((model) => model.id) };
    return { kind: 'wait', yielding: evictable.slice(0, needed).map((model) => model.id) };
  };
}

function names(models: readonly ModelFacts[]): string {
  return models.map((model) => model.id).join(', ');
}
