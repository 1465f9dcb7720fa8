import { isResident } from '#shared/model/model-state.ts';
import type { MemoryFacts } from '../memory/device-facts.ts';
import type { Placement } from '../memory/placement.ts';
import { createCompanions, type SetFacts } from './companions.ts';
import type { ModelFacts } from './view.ts';

/**
 * Whether a model may be loaded beside what is resident. This is the seam between counting models and knowing memory: the
 * scheduler asks it and obeys, whatever it counts.
 */
export type RoomDecision =
  /** Where it goes, if that was asked for. */
  | { readonly kind: 'fits'; readonly placement?: Placement }
  /** Fits once these idle models are gone. */
  | { readonly kind: 'evict'; readonly victims: readonly string[]; readonly placement?: Placement }
  /** Room is on its way, or has to come from these busy models once they are idle. */
  | { readonly kind: 'wait'; readonly yielding: readonly string[] }
  /** What it needs, or what there is, has to be found out first; so far it looks as if these would have to go. */
  | { readonly kind: 'prepare'; readonly yielding: readonly string[] }
  /** No amount of waiting makes room. */
  | { readonly kind: 'never'; readonly message: string; readonly shortage?: MemoryShortage };

/** Bytes where the model would go. */
export interface MemoryShortage {
  readonly requiredBytes: number;
  readonly availableBytes: number;
}

export interface RoomQuestion {
  readonly nowMs: number;
  readonly modelId: string;
  readonly models: readonly ModelFacts[];
  /** Models that somebody waits for; they are not taken away from under them. */
  readonly isWanted: (modelId: string) => boolean;
  /** Undefined while nothing is known about memory. */
  readonly memory: MemoryFacts | undefined;
  /** The set the model is asked for by; undefined if by its own name. */
  readonly setName?: string | undefined;
}

export type RoomPolicy = (question: RoomQuestion) => RoomDecision;

export interface CountRoomOptions {
  readonly maxLoaded: number;
  readonly canEvict: boolean;
  /** Members of one set take one place together. */
  readonly sets?: readonly SetFacts[];
  /** Models with one address can never run at once, whatever sets say. */
  readonly addresses?: ReadonlyMap<string, string>;
}

/** Models that take one place together. */
interface Place {
  readonly models: readonly ModelFacts[];
}

/**
 * Room by number: at most `maxLoaded` places, the one that was not used for longest goes first. A model takes a place, or
 * the members of a set take one together. What sets and addresses rule out goes first (see companions.ts). Pure.
 */
export function createCountRoom({ maxLoaded, canEvict, sets = [], addresses }: CountRoomOptions): RoomPolicy {
  const companions = createCompanions(sets, addresses ?? new Map());

  return ({ modelId, models, isWanted, setName }) => {
    const others = models.filter((model) => model.id !== modelId && isResident(model.state));
    const { areTogether, isRuledOut, isAddressTaken } = companions.of({ id: modelId, setName }, others);
    const competing = others.filter((model) => !areTogether(modelId, model.id));
    const holder = competing.find((model) => model.isPinned && isAddressTaken(model));
    if (holder !== undefined) {
      return {
        kind: 'never',
        message: `Its address is held by the pinned model ${holder.id}. Unpin that one, or give one of them another address.`,
      };
    }
    const excluded = competing.filter((model) => !model.isPinned && isRuledOut(model));
    const places = groupPlaces(
      competing.filter((model) => !excluded.includes(model)),
      areTogether,
    );
    const surplus = Math.max(0, places.length + 1 - maxLoaded);
    if (surplus === 0 && excluded.length === 0) return { kind: 'fits' };

    const isComing = (model: ModelFacts): boolean => model.state === 'draining' || model.state === 'stopping';
    const pinned = places.filter((place) => place.models.some((model) => model.isPinned));
    if (pinned.length >= maxLoaded) {
      return {
        kind: 'never',
        message:
          `All ${maxLoaded} places (memory.maxLoaded) are held by pinned models: ${names(pinned)}. ` +
          'Unpin one or raise memory.maxLoaded.',
      };
    }
    const leaving = places.filter((place) => place.models.every(isComing)).length;
    const needed = surplus - leaving;
    if (!canEvict && (needed > 0 || excluded.some((model) => !isComing(model)))) {
      return {
        kind: 'never',
        message:
          `All ${maxLoaded} places (memory.maxLoaded) are taken by ${names([{ models: others }])}, and memory.policy is ` +
          '`reject`. Eject one or raise memory.maxLoaded.',
      };
    }

    const isFree = (model: ModelFacts): boolean =>
      isComing(model) || (model.state === 'ready' && model.activeRequests === 0 && !isWanted(model.id));
    const candidates = places
      .filter((place) => place.models.every((model) => model.state === 'ready' || isComing(model)))
      .filter((place) => !place.models.some((model) => model.isPinned) && !place.models.every(isComing))
      .sort((one, other) => priorityOf(one) - priorityOf(other) || lastUsedOf(one) - lastUsedOf(other));
    const chosen = [
      ...candidates.filter((place) => place.models.every(isFree)),
      // Those with the least to finish: the choice moves only towards fewer, so that one of them does become idle. By last
      // use it would change with every completion, and each would be filled up again in turn.
      ...candidates
        .filter((place) => !place.models.every(isFree))
        .sort((one, other) => priorityOf(one) - priorityOf(other) || activeOf(one) - activeOf(other)),
    ].slice(0, Math.max(0, needed));
    const going = [...excluded, ...chosen.flatMap((place) => place.models)].filter((model) => !isComing(model));
    if (going.length > 0 && chosen.length >= needed && going.every(isFree)) {
      return { kind: 'evict', victims: going.map((model) => model.id) };
    }
    return { kind: 'wait', yielding: going.filter((model) => model.state === 'ready').map((model) => model.id) };
  };
}

function groupPlaces(models: readonly ModelFacts[], areTogether: (one: string, other: string) => boolean): Place[] {
  const places: { models: ModelFacts[] }[] = [];
  for (const model of models) {
    const known = places.find((place) => place.models.some((other) => areTogether(model.id, other.id)));
    if (known === undefined) places.push({ models: [model] });
    else known.models.push(model);
  }
  return places;
}

function priorityOf(place: Place): number {
  return Math.max(...place.models.map((model) => model.priority));
}

function activeOf(place: Place): number {
  return place.models.reduce((sum, model) => sum + model.activeRequests, 0);
}

function lastUsedOf(place: Place): number {
  return Math.max(...place.models.map((model) => model.lastUsedMs));
}

function names(places: readonly Place[]): string {
  return places.flatMap((place) => place.models.map((model) => model.id)).join(', ');
}
