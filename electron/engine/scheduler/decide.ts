import { isResident } from '#shared/model/model-state.ts';
import { formatDuration } from '#shared/model/units.ts';
import type { RoomDecision, RoomPolicy } from './room.ts';
import type { Decisions, ModelFacts, SchedulerDecision, SchedulerFacts, WaitingFacts, WaitReason } from './view.ts';

/**
 * Decides everything that is to be done now. Pure: the same facts give the same decisions, which the caller carries out in
 * order before it asks again.
 *
 * Entries are looked at in the order given (priority, then age). A request is granted if its model is ready and has a free
 * slot. The first one whose model needs room claims it: nobody behind it may load another model before it. While it waits
 * for busy models, younger requests for those are still served, so that swaps are few, but only until it has waited for
 * `fairnessBoundMs`, and a model that was just loaded has served for as long as that, or as its load took; from then on the
 * models it waits for get nothing new. docs/scheduling.md has the figures.
 */
export function decide(facts: SchedulerFacts, room: RoomPolicy): Decisions {
  const pass = createPass(facts);
  pass.rejectExpired();
  for (const model of facts.models.values()) pass.considerEject(model);
  pass.considerWaiting(room);
  for (const model of facts.models.values()) pass.considerIdle(model);
  return pass.result();
}

/** Running requests finish; what waits stays in the line or is refused there. */
const GAME_MODE_EJECT = { mode: 'replace', upToOrder: 0 } as const;

function createPass(facts: SchedulerFacts) {
  const { nowMs } = facts;
  const decisions: SchedulerDecision[] = [];
  const waitReasons = new Map<string, WaitReason>();
  const models = new Map(facts.models);
  const laneActive = new Map(facts.laneActive);
  const waitingByModel = new Map<string, number>();
  let waiting = facts.waiting;
  let wakeAtMs: number | undefined;

  for (const entry of waiting) waitingByModel.set(entry.modelId, (waitingByModel.get(entry.modelId) ?? 0) + 1);

  function wakeAt(timeMs: number): void {
    wakeAtMs = wakeAtMs === undefined ? timeMs : Math.min(wakeAtMs, timeMs);
  }

  function change(modelId: string, changes: Partial<ModelFacts>): void {
    const model = models.get(modelId);
    if (model !== undefined) models.set(modelId, { ...model, ...changes });
  }

  type Rejection = SchedulerDecision & { kind: 'reject' };

  function reject(entry: WaitingFacts, code: Rejection['code'], message: string, details?: Rejection['details']): void {
    decisions.push({ kind: 'reject', requestId: entry.id, code, message, details });
    waitReasons.delete(entry.id);
    waitingByModel.set(entry.modelId, (waitingByModel.get(entry.modelId) ?? 1) - 1);
  }

  function stop(modelId: string, askedBy: string, abortsRequests = false): void {
    decisions.push({ kind: 'stop', modelId, askedBy, abortsRequests });
    change(modelId, { state: 'stopping' });
  }

  function rejectExpired(): void {
    const kept: WaitingFacts[] = [];
    for (const entry of waiting) {
      if (entry.deadlineMs > nowMs) {
        wakeAt(entry.deadlineMs);
        kept.push(entry);
        continue;
      }
      const state = models.get(entry.modelId)?.state ?? 'off';
      reject(
        entry,
        'queue-timeout',
        `The request waited ${formatDuration(nowMs - entry.enqueuedMs)} for model "${entry.modelId}" (now ${state}), ` +
          `which is as long as its queue.maxWait allows.${blockers(entry.modelId)}`,
      );
    }
    waiting = kept;
  }

  function blockers(modelId: string): string {
    const busy = [...models.values()].filter((model) => model.id !== modelId && model.activeRequests > 0);
    return busy.length === 0 ? '' : ` Busy meanwhile: ${busy.map((model) => model.id).join(', ')}.`;
  }

  function considerEject(model: ModelFacts): void {
    const eject = model.eject ?? (facts.gameMode === 'off' ? undefined : GAME_MODE_EJECT);
    if (eject === undefined) return;
    const isComing = model.state === 'starting' || model.state === 'loading';
    const isLoaded = model.state === 'ready' || model.state === 'draining';
    if (!isComing && !isLoaded) return;
    const earlier = waiting.filter((entry) => entry.modelId === model.id && entry.order <= eject.upToOrder);
    // A model that drains already serves nobody any more; waiting for them would never end.
    if (eject.mode === 'after-queue' && model.state !== 'draining' && earlier.length > 0) return;
    if (eject.mode === 'now' || (isComing && eject.mode !== 'replace')) {
      for (const entry of earlier) reject(entry, 'ejected', `Model "${model.id}" was ejected before it could answer.`);
      waiting = waiting.filter((entry) => !earlier.includes(entry));
    }
    const askedBy = model.eject === undefined ? 'game mode' : eject.mode === 'replace' ? 'changed settings' : 'eject';
    if (isComing) {
      if (model.state === 'loading') stop(model.id, askedBy);
      else {
        decisions.push({ kind: 'abandon-start', modelId: model.id });
        change(model.id, { state: 'off' });
      }
    } else if (eject.mode === 'now') stop(model.id, 'eject', true);
    else if (model.activeRequests === 0) stop(model.id, askedBy);
    else if (model.state === 'ready' && eject.mode !== 'after-queue') {
      decisions.push({ kind: 'drain', modelId: model.id });
      change(model.id, { state: 'draining' });
    }
  }

  function considerWaiting(room: RoomPolicy): void {
    /** Models that get nothing new, because somebody who waited long enough needs their room. */
    const yielding = new Set<string>();
    let isRoomClaimed = false;
    for (const entry of waiting) {
      const model = models.get(entry.modelId);
      if (model === undefined) continue; // The caller refuses ids that are not configured.
      if (facts.gameMode !== 'off') {
        if (facts.gameMode === 'refuse') refuseForGame(entry);
        else waitReasons.set(entry.id, 'game-mode');
        continue;
      }
      const reason = considerEntry(entry, model);
      if (reason !== undefined) waitReasons.set(entry.id, reason);
    }

    /** Whether a model may be taken from those who wait for it, for the sake of this entry. */
    function hasHadItsTime(modelId: string, entry: WaitingFacts): boolean {
      const { readyAtMs = 0, reloadMs = 0 } = models.get(modelId) ?? {};
      // Where all have waited too long, each would else be unloaded after one answer.
      const servedAtMs = readyAtMs + Math.max(facts.fairnessBoundMs, reloadMs);
      const atMs = Math.max(entry.enqueuedMs + facts.fairnessBoundMs, servedAtMs);
      if (nowMs >= atMs) return true;
      wakeAt(atMs);
      return false;
    }

    function yieldTo(entry: WaitingFacts, modelIds: readonly string[]): void {
      for (const modelId of modelIds) if (hasHadItsTime(modelId, entry)) yielding.add(modelId);
    }

    function askRoom(entry: WaitingFacts): RoomDecision {
      return room({
        modelId: entry.modelId,
        setName: entry.setName,
        nowMs,
        models: [...models.values()],
        memory: facts.memory,
        isWanted: (modelId) => (waitingByModel.get(modelId) ?? 0) > 0 && !hasHadItsTime(modelId, entry),
      });
    }

    function considerEntry(entry: WaitingFacts, model: ModelFacts): WaitReason | undefined {
      switch (model.state) {
        case 'ready':
          return considerReady(entry, model);
        case 'starting':
        case 'loading':
          return 'load';
        case 'draining':
        case 'stopping':
          return 'eject';
        case 'off':
        case 'crashed':
          return considerStart(entry, model);
        case 'failed':
          reject(entry, 'model-failed', `Model "${model.id}" failed too often and was given up.`);
          return undefined;
      }
    }

    function considerReady(entry: WaitingFacts, model: ModelFacts): WaitReason | undefined {
      if (model.eject !== undefined && (model.eject.mode !== 'after-queue' || entry.order > model.eject.upToOrder)) {
        return 'eject';
      }
      if (entry.kind === 'load') {
        decisions.push({ kind: 'grant', requestId: entry.id });
        return undefined;
      }
      if (yielding.has(model.id)) return 'room';
      const laneLimit = facts.laneLimits.get(entry.lane);
      const running = laneActive.get(entry.lane) ?? 0;
      if (laneLimit !== undefined && running >= laneLimit) return 'lane';
      if (model.activeRequests >= model.concurrency) return 'slot';
      decisions.push({ kind: 'grant', requestId: entry.id });
      laneActive.set(entry.lane, running + 1);
      change(model.id, { activeRequests: model.activeRequests + 1 });
      return undefined;
    }

    function refuseForGame(entry: WaitingFacts): void {
      reject(
        entry,
        'game-mode',
        'Game mode is on: all models are unloaded. Switch it off with `corral game-mode off`.',
      );
    }

    function giveUp(entry: WaitingFacts): WaitReason | undefined {
      reject(entry, 'no-room', `There is no free room for model "${entry.modelId}".`);
      return undefined;
    }

    function considerStart(entry: WaitingFacts, model: ModelFacts): WaitReason | undefined {
      if (model.nextStartAtMs > nowMs) {
        wakeAt(model.nextStartAtMs);
        return 'restart-delay';
      }
      if (isRoomClaimed) return entry.isOptional ? giveUp(entry) : 'room';
      const answer = askRoom(entry);
      if (entry.isOptional && answer.kind !== 'fits' && answer.kind !== 'prepare') return giveUp(entry);
      switch (answer.kind) {
        case 'fits':
          decisions.push({ kind: 'start', modelId: model.id, placement: answer.placement });
          change(model.id, { state: 'starting', reserved: answer.placement?.bytes ?? model.reserved });
          return 'load';
        case 'prepare':
          decisions.push({ kind: 'prepare', modelId: model.id });
          // Nobody behind it may take the room that it may turn out to need.
          isRoomClaimed = true;
          yieldTo(entry, answer.yielding);
          return answer.yielding.length > 0 ? 'room' : 'load';
        case 'evict':
          for (const victim of answer.victims) stop(victim, `makes room for ${model.id}`);
          isRoomClaimed = true;
          return 'room';
        case 'wait':
          isRoomClaimed = true;
          yieldTo(entry, answer.yielding);
          return 'room';
        case 'never':
          reject(entry, 'no-room', `There is no room for model "${model.id}". ${answer.message}`, {
            model: model.id,
            ...answer.shortage,
            loadedModels: [...models.values()].filter(({ state }) => isResident(state)).map(({ id }) => id),
          });
          return undefined;
      }
    }
  }

  function considerIdle({ id }: ModelFacts): void {
    const model = models.get(id);
    if (model === undefined) return;
    const isWaitedFor = (waitingByModel.get(id) ?? 0) > 0;
    if (model.state === 'starting' && !isWaitedFor) {
      decisions.push({ kind: 'abandon-start', modelId: id });
      return;
    }
    if (model.state !== 'ready' || model.activeRequests > 0 || isWaitedFor) return;
    if (model.isPinned || model.ttlMs === 0 || model.eject !== undefined) return;
    const dueMs = model.lastUsedMs + model.ttlMs;
    if (nowMs >= dueMs) stop(id, `idle for ${formatDuration(nowMs - model.lastUsedMs)}`);
    else wakeAt(dueMs);
  }

  return {
    rejectExpired,
    considerEject,
    considerWaiting,
    considerIdle,
    result: (): Decisions => ({ decisions, waitReasons, wakeAtMs }),
  };
}
