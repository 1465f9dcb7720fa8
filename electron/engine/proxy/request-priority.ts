import { AppError } from '#shared/contract/errors.ts';

/** In which a client says how urgent one request is to it. Meant for Corral alone, and never passed on. */
export const PRIORITY_HEADER = 'x-request-priority';

const MAX_PRIORITY = 10;

/**
 * What the header adds to the priority of lane and model: an integer from -10 to 10, 0 without one. Returns
 * `invalid-request` for anything else.
 *
 * Everybody may let others go first. Going first is a lane's right, given by its owner in `server.apiKeys`; a header that
 * could raise it would make all lanes equal, so with keys configured a positive value counts as 0. Without keys all requests
 * are the same person's, who may order them as they like. Pure.
 */
export function requestPriority(
  header: string | readonly string[] | undefined,
  { canRaise }: { canRaise: boolean },
): number | AppError {
  if (header === undefined) return 0;
  // More than one header comes as a list, or joined with commas.
  const value = typeof header === 'string' && /^[+-]?\d{1,3}$/.test(header) ? Number(header) : Number.NaN;
  if (!(Math.abs(value) <= MAX_PRIORITY)) {
    return new AppError(
      'invalid-request',
      `X-Request-Priority must be one whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}.`,
    );
  }
  return canRaise ? value : Math.min(0, value);
}
