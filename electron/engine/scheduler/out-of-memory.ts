import { AppError } from '#shared/contract/errors.ts';
import { isContextAutomatic } from '../memory/model-need.ts';
import type { DeviceFacts } from '../memory/device-facts.ts';
import { explainHolders } from './explain-memory.ts';
import type { ModelRecord } from './model-record.ts';
import type { ModelFacts } from './view.ts';

/**
 * What is done when a load ran out of memory although there seemed to be enough: everything idle goes and it is tried once
 * more; then, if the context was Corral's or llama-server's to choose, with smaller ones; then it is given up. Pure.
 */
export type AfterOutOfMemory =
  | { readonly kind: 'clear-idle' }
  | { readonly kind: 'shrink'; readonly contextSize: number }
  | { readonly kind: 'give-up' };

/** Smaller than this, chat programs have no use for it; also llama-server's own limit (`--fit-ctx`). */
const SMALLER_CONTEXTS = [16_384, 4096] as const;

/**
 * `failures`: loads of this model in a row that ran out of memory, this one included. `contextSize`: what the last one was
 * made with; undefined if llama-server chose.
 */
export function decideAfterOutOfMemory(
  failures: number,
  isContextAutomatic: boolean,
  contextSize?: number,
): AfterOutOfMemory {
  if (failures === 1) return { kind: 'clear-idle' };
  const smaller = SMALLER_CONTEXTS.find((each) => contextSize === undefined || each < contextSize);
  if (!isContextAutomatic || smaller === undefined) return { kind: 'give-up' };
  return { kind: 'shrink', contextSize: smaller };
}

/** Whether a load that failed is tried once more; notes in the record how. */
export function mayTryAgain(model: ModelRecord, error: AppError): boolean {
  if (!isOutOfMemory(error)) return false;
  model.outOfMemory += 1;
  const lastContextSize = model.contextSize ?? model.startedFor?.contextSize;
  const next = decideAfterOutOfMemory(model.outOfMemory, isContextAutomatic(model.config), lastContextSize);
  if (next.kind === 'shrink') model.contextSize = next.contextSize;
  if (next.kind !== 'give-up') return true;
  model.outOfMemory = 0;
  model.contextSize = undefined;
  return false;
}

export function isOutOfMemory(error: AppError): boolean {
  return error.details?.['reason'] === 'out-of-memory';
}

/** Says of a load that ran out of memory, whatever was tried, what it needed, what is free and who holds the rest. */
export function withHolders(
  error: AppError,
  model: ModelRecord,
  devices: readonly DeviceFacts[],
  models: Iterable<ModelFacts>,
): AppError {
  if (!isOutOfMemory(error)) return error;
  const told = explainHolders(model.startedFor, devices, models, model.config.id);
  return new AppError(error.code, `${error.message} ${told}`, { details: error.details ?? {}, cause: error });
}
