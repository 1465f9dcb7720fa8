import { AppError } from '#shared/contract/errors.ts';
import type { Engine } from './engine-contract.ts';
import { isSameSecret, presentedKey } from './proxy/guards.ts';

/** Lets through who presents one of the tokens; all are compared, so that the time does not tell which one was near. */
export function createAdminCheck(tokens: () => readonly (string | undefined)[]): Engine['checkAdmin'] {
  return (headers) => {
    const key = presentedKey(headers) ?? '';
    const isKnown = tokens().map((token) => token !== undefined && isSameSecret(token, key));
    if (isKnown.includes(true)) return undefined;
    return new AppError('unauthorized', 'The control API needs the admin token (server.adminToken) as a Bearer token.');
  };
}
