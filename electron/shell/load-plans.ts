import type { LoadPlanView } from '#shared/contract/memory.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { loadableModels } from './tray-load-menu.ts';

export interface LoadPlansOptions {
  plan(model: string, signal: AbortSignal): Promise<LoadPlanView>;
  /** Some plan is another one now. */
  onChange(): void;
}

export interface LoadPlans {
  /** Takes notice of a snapshot; plans are made anew if what they depend on has changed. */
  update(snapshot: Snapshot | undefined): void;
  plans(): ReadonlyMap<string, LoadPlanView>;
  close(): void;
}

/** A round of plans begins no sooner than this after the one before it. */
const ROUND_INTERVAL_MS = 2000;
/** Free memory swings by some megabytes all the time, and no plan with it. */
const NOTICED_BYTES = 256e6;

/**
 * Keeps a plan for each model that could be loaded, for as long as the memory picture stays as it is. One plan is asked for
 * at a time: the first one for a model may take the engine a second of reading its file.
 */
export function createLoadPlans({ plan, onChange }: LoadPlansOptions): LoadPlans {
  const closing = new AbortController();
  const known = new Map<string, LoadPlanView>();
  let latest: Snapshot | undefined;
  let plannedPicture: string | undefined;
  let isRunning = false;
  let resting: NodeJS.Timeout | undefined;

  function consider(): void {
    if (isRunning || resting !== undefined || closing.signal.aborted || latest === undefined) return;
    // Nothing can be loaded then.
    if (latest.instance.isShuttingDown || latest.memory.isGameMode) return;
    const picture = memoryPicture(latest);
    if (picture === plannedPicture) return;
    plannedPicture = picture;
    isRunning = true;
    void runRound(loadableModels(latest).map(({ id }) => id)).finally(() => {
      isRunning = false;
      if (closing.signal.aborted) return;
      resting = setTimeout(() => {
        resting = undefined;
        consider();
      }, ROUND_INTERVAL_MS);
      resting.unref();
    });
  }

  async function runRound(models: readonly string[]): Promise<void> {
    let hasChanged = false;
    for (const model of [...known.keys()]) {
      if (!models.includes(model)) hasChanged = known.delete(model) || hasChanged;
    }
    for (const model of models) {
      if (closing.signal.aborted) return;
      const before = known.get(model);
      const after = await plan(model, closing.signal).catch(() => undefined);
      // Without a plan a model is listed by its name alone, and whoever loads it is told what is wrong.
      if (after === undefined) known.delete(model);
      else known.set(model, after);
      if (JSON.stringify(before) !== JSON.stringify(after)) hasChanged = true;
    }
    if (hasChanged && !closing.signal.aborted) onChange();
  }

  return {
    update(snapshot) {
      latest = snapshot;
      consider();
    },
    plans: () => known,
    close() {
      closing.abort();
      clearTimeout(resting);
      resting = undefined;
    },
  };
}

/** What plans depend on, as a text to compare. Pure. */
function memoryPicture({ models, memory, engine }: Snapshot): string {
  return JSON.stringify([
    engine.status,
    memory.devices.map((device) => [
      device.id,
      device.totalBytes,
      device.budgetBytes,
      Math.round(device.usedByOthersBytes / NOTICED_BYTES),
      device.models,
    ]),
    models.map((model) => [
      model.id,
      model.state,
      model.isPinned,
      model.activeRequests > 0,
      model.waitingRequests > 0,
      model.need,
      model.state === 'ready' ? model.lastUsedAt : null,
    ]),
  ]);
}
