import type { EjectMode, EjectOutcome } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceBytes } from '../memory/device-facts.ts';
import type { ModelProcessView } from '../supervisor/model-process-contract.ts';
import type { ModelRecord } from './model-record.ts';

/** Notes that a model is to go, and resolves once that is done. Who asks again joins those who asked before. */
export function askForEject(
  model: ModelRecord,
  options: {
    readonly mode: EjectMode;
    readonly upToOrder: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<EjectOutcome> {
  const { mode, upToOrder, clock, signal } = options;
  return new Promise((resolve, reject) => {
    const previous = model.eject;
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    model.eject = {
      mode,
      upToOrder,
      startedMs: clock.nowMs(),
      settle(outcome) {
        signal.removeEventListener('abort', onAbort);
        previous?.settle(outcome);
        if (outcome instanceof AppError) reject(outcome);
        else resolve(outcome);
      },
    };
  });
}

/** Notes that a model is to go once it is idle; nobody waits for that. One that is to go already goes as was asked. */
export function ejectUnheard(model: ModelRecord, upToOrder: number, clock: Clock): void {
  model.eject ??= { mode: 'when-idle', upToOrder, startedMs: clock.nowMs(), settle: () => undefined };
}

/** For a model that is not loaded. */
export function nothingToEject(modelId: string): EjectOutcome {
  return { model: modelId, wasLoaded: false, exitCode: null, signal: null, tookMs: 0, freedBytes: {} };
}

/** The process is gone: whoever asked for that is told once its memory is back, too. */
export function settleEject(
  model: ModelRecord,
  { lastExit }: Pick<ModelProcessView, 'lastExit'>,
  returned: Promise<DeviceBytes>,
  clock: Clock,
): void {
  const { eject } = model;
  model.eject = undefined;
  if (eject === undefined) return;
  void returned.then((freed) => {
    eject.settle({
      model: model.config.id,
      wasLoaded: true,
      exitCode: lastExit?.exitCode ?? null,
      signal: lastExit?.signal ?? null,
      tookMs: Math.round(clock.nowMs() - eject.startedMs),
      freedBytes: Object.fromEntries(freed),
    });
  });
}

/** Somebody wants the model after all. */
export function callOffEject(model: ModelRecord): void {
  model.eject?.settle(
    new AppError('conflict', `The eject of "${model.config.id}" was called off: somebody asked to load it.`),
  );
  model.eject = undefined;
}
