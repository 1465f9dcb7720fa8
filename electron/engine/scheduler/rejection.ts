import { AppError } from '#shared/contract/errors.ts';
import type { SchedulerDecision } from './view.ts';

/** What whoever waited is told; a model that was given up tells why itself. Pure. */
export function rejectionError(
  { code, message, details }: SchedulerDecision & { kind: 'reject' },
  { problem, retryAfterSeconds }: { readonly problem: AppError | null; readonly retryAfterSeconds: number | undefined },
): AppError {
  if (code === 'model-failed' && problem !== null) return problem;
  return new AppError(code, message, { details, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}
