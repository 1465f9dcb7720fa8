import { AppError } from '#shared/contract/errors.ts';

/** Why a download cannot go on; `details.reason` of a `download-failed`. */
export type DownloadFailure =
  | 'gated'
  | 'token'
  | 'digest'
  | 'disk-full'
  | 'unreachable'
  | 'interrupted'
  | 'redirect'
  | 'bad-answer'
  | 'file-system';

export function downloadError(reason: DownloadFailure, message: string, cause?: unknown): AppError {
  return new AppError('download-failed', message, { details: { reason }, ...(cause === undefined ? {} : { cause }) });
}

/** What may go better the next time: the connection broke, the server is busy. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** What the server asked for; 0 if it did not. */
  readonly retryAfterMs: number;

  constructor(message: string, options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}
