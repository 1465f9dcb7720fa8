import { findPlacement, fitsAlone, type Placement } from '../memory/placement.ts';
import { compareForEviction } from './eviction-order.ts';
import { availableBeside, explainHeld, explainTooLarge, shortageOf } from './explain-memory.ts';
import type { RoomDecision, RoomPolicy, RoomQuestion } from './room.ts';
import type { ModelFacts } from './view.ts';

/**
 * Room by memory, within what `count` (places and sets) allows: a model may be loaded where its need fits into what the
 * budgets, other programs and the models that are there leave. Reservations count from the decision on and until the memory
 * was seen to come back, whatever the state of the process. Without devices that are known, `count` decides alone. Pure.
 */
export function createMemoryRoom({ count, canEvict }: { count: RoomPolicy; canEvict: boolean }): RoomPolicy {
  return (question) => {
    const answer = decideRoom(question);
    if (question.memory?.isFresh !== false || answer.kind === 'wait' || answer.kind === 'prepare') return answer;
    return { kind: 'prepare', yielding: answer.kind === 'evict' ? answer.victims : [] };
  };

  function decideRoom(question: RoomQuestion): RoomDecision {
    const { memory, modelId } = question;
    const counted = count(question);
    if (memory === undefined || counted.kind === 'never') return counted;
    const { models } = question;
    const asked = models.find(({ id }) => id === modelId);
    if (asked?.need === undefined) return { kind: 'prepare', yielding: [] };
    const { need } = asked;
    if (memory.devices.length === 0) return counted;
    if (!fitsAlone(need, memory.devices)) {
      const message = explainTooLarge(need, memory.devices);
      return { kind: 'never', message, shortage: shortageOf(need, [], memory.devices) };
    }
    if (counted.kind === 'wait') return counted;

    const others = models.filter(({ id, reserved }) => id !== modelId && reserved.size > 0);
    const forced = counted.kind === 'evict' ? counted.victims : [];
    const placeWithout = (gone: (model: ModelFacts) => boolean): Placement | undefined =>
      findPlacement(
        need,
        memory.devices,
        availableBeside(
          others.filter((model) => !gone(model)),
          memory.devices,
        ),
      );

    const isForced = (model: ModelFacts): boolean => forced.includes(model.id);
    // Its own memory of a moment ago may still be on its way back.
    const own = asked.reserved.size > 0;
    const isLeaving = (model: ModelFacts): boolean => isComing(model) || isForced(model);
    const order = compareForEviction(question.nowMs);
    const ready = others.filter((model) => model.state === 'ready' && !model.isPinned && !isLeaving(model));
    const free = ready.filter((model) => isIdle(model, question)).toSorted(order);
    if (asked.clearsIdle && canEvict && free.length > 0) {
      return { kind: 'evict', victims: [...forced, ...free.map(({ id }) => id)] };
    }
    const now = asked.clearsIdle && others.some(isComing) ? undefined : placeWithout(isForced);
    if (now !== undefined && !own) {
      if (forced.length === 0) return { kind: 'fits', placement: now };
      return { kind: 'evict', victims: forced, placement: now };
    }
    if (own || placeWithout(isLeaving) !== undefined) {
      return forced.length > 0 ? { kind: 'evict', victims: forced } : { kind: 'wait', yielding: [] };
    }
    const isHeld = (why: string): RoomDecision => ({
      kind: 'never',
      message: explainHeld(need, others, memory.devices, why),
      shortage: shortageOf(need, others, memory.devices),
    });
    if (!canEvict) return isHeld('memory.policy is `reject`');

    const victims = chooseVictims(free, (gone) => placeWithout((model) => isLeaving(model) || gone.has(model.id)));
    if (victims !== undefined)
      return { kind: 'evict', victims: [...forced, ...victims.ids], placement: victims.placement };

    // Those with the least to finish: the choice moves only towards fewer, so that one of them does become idle.
    const busy = ready
      .filter((model) => !free.includes(model))
      .toSorted((one, other) => one.priority - other.priority || one.activeRequests - other.activeRequests);
    const yielding = chooseVictims([...free, ...busy], (gone) =>
      placeWithout((model) => isLeaving(model) || gone.has(model.id)),
    );
    if (yielding !== undefined) return { kind: 'wait', yielding: yielding.ids };
    // Those that load now can go once they are ready.
    if (placeWithout((model) => isLeaving(model) || !model.isPinned) !== undefined)
      return { kind: 'wait', yielding: [] };
    return isHeld('what holds it is pinned');
  }
}

/** Whoever holds memory without being there any more, or is about to go. */
function isComing({ state }: ModelFacts): boolean {
  return state === 'draining' || state === 'stopping' || state === 'off' || state === 'crashed' || state === 'failed';
}

function isIdle(model: ModelFacts, { isWanted }: RoomQuestion): boolean {
  return model.activeRequests === 0 && !isWanted(model.id);
}

/** The fewest that had to go, taken from the front: added until there is a place, then spared where it stands without them. */
function chooseVictims(
  candidates: readonly ModelFacts[],
  place: (gone: ReadonlySet<string>) => Placement | undefined,
): { ids: string[]; placement: Placement } | undefined {
  const gone = new Set<string>();
  let placement: Placement | undefined;
  for (const model of candidates) {
    gone.add(model.id);
    placement = place(gone);
    if (placement !== undefined) break;
  }
  if (placement === undefined) return undefined;
  for (const id of [...gone].reverse()) {
    gone.delete(id);
    const without = place(gone);
    if (without === undefined) gone.add(id);
    else placement = without;
  }
  return { ids: candidates.filter(({ id }) => gone.has(id)).map(({ id }) => id), placement };
}
