import { PRIORITY_HEADER } from '../../proxy/request-priority.ts';

/** `X-Request-Priority: high|normal|low` in Corral's numbers; anything else is normal, as it is for RouterModelCustom. */
const priorities: Readonly<Record<string, string>> = { high: '10', low: '-10' };

/** Rewrites the header of a request that is about to be queued. */
export function translatePriority(headers: Record<string, string | string[] | undefined>): void {
  const written = headers[PRIORITY_HEADER];
  if (written === undefined) return;
  const value = typeof written === 'string' ? priorities[written.trim().toLowerCase()] : undefined;
  headers[PRIORITY_HEADER] = value ?? '0';
}
