import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { Clock, Timer } from '../../ports/clock.ts';

const INTERVAL_MS = 300_000;

/** Loads the models that were used last again where they were unloaded meanwhile, every five minutes. */
export function createKeepWarm({
  count,
  clock,
  models,
  load,
  onRefused,
}: {
  readonly count: number;
  readonly clock: Clock;
  models(): readonly ModelView[];
  load(modelId: string): Promise<void>;
  onRefused(modelId: string, error: Error): void;
}): { close(): void } {
  let timer: Timer | undefined;

  function warm(): void {
    for (const modelId of decideWarm(models(), count)) {
      load(modelId).catch((thrown: unknown) => onRefused(modelId, thrown as Error));
    }
    timer = clock.setTimer(INTERVAL_MS, warm);
  }

  if (count > 0) timer = clock.setTimer(INTERVAL_MS, warm);
  return { close: () => timer?.cancel() };
}

/** Of the `count` models used last, those that are unloaded. Pure. */
export function decideWarm(models: readonly ModelView[], count: number): string[] {
  return models
    .filter(({ lastUsedAt }) => lastUsedAt !== null)
    .toSorted((one, other) => (other.lastUsedAt ?? 0) - (one.lastUsedAt ?? 0))
    .slice(0, count)
    .filter(({ state }) => !isResident(state) && state !== 'failed')
    .map(({ id }) => id);
}
