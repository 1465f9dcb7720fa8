import type { AppError } from '#shared/contract/errors.ts';
import type { Endpoint } from '../supervisor/endpoint.ts';

/** The right to send one request to a model's process. Whoever has it must release it, whatever happens. */
export interface Lease {
  readonly requestId: string;
  readonly modelId: string;
  readonly endpoint: Endpoint;
  /** How long it waited for a slot or for room, and for the model to load. */
  readonly queueWaitMs: number;
  readonly loadWaitMs: number;
  /** Called at most once, if the model is ejected or Corral ends while the request runs. */
  onAborted: ((error: AppError) => void) | undefined;
  /** Idempotent. */
  release(): void;
}
