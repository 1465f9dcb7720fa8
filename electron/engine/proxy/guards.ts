import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { AppError } from '#shared/contract/errors.ts';
import type { ApiKeyConfig } from '../config/resolved-config.ts';

/** Plain functions, so that every way into Corral goes through the same ones, whatever serves it. */

export interface GuardPolicy {
  /** Names this listener answers to besides loopback ones and the address it was reached at. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly apiKeys: readonly ApiKeyConfig[];
  /** True for a listener that other machines can reach. */
  readonly isKeyDemanded: boolean;
}

/** A client as the scheduler knows it. */
export interface Lane {
  readonly name: string;
  readonly priority: number;
  /** Undefined means all. */
  readonly models: readonly string[] | undefined;
  /** Whether its streams get comments while their request waits. */
  readonly hasWaitingComments: boolean;
}

export const DEFAULT_LANE: Lane = { name: 'default', priority: 0, models: undefined, hasWaitingComments: true };

export function isLoopbackAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** The host part of a Host header or origin, without brackets and port, in lower case; undefined if it is malformed. */
export function hostName(authority: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(authority.trim());
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/**
 * Refuses a `Host` that is not ours: a page that points its own name at this machine (DNS rebinding) still sends that name.
 * An address is fine if the connection really came in on it.
 */
export function checkHost(
  header: string | undefined,
  localAddress: string | undefined,
  policy: GuardPolicy,
): AppError | undefined {
  const name = header === undefined ? undefined : hostName(header);
  if (name !== undefined) {
    if (name === 'localhost' || isLoopbackAddress(name)) return undefined;
    if (isIP(name) !== 0 && name === localAddress?.replace(/^::ffff:/i, '').toLowerCase()) return undefined;
    if (policy.allowedHosts.some((allowed) => allowed.toLowerCase() === name)) return undefined;
  }
  return new AppError(
    'forbidden',
    `This address is not served under the host name "${header ?? ''}". ` +
      'Use 127.0.0.1 or localhost, or add the name to server.allowedHosts.',
  );
}

/** Refuses browsers' requests from pages that are neither our own (same origin) nor configured. */
export function checkOrigin(
  origin: string | undefined,
  host: string | undefined,
  policy: GuardPolicy,
): AppError | undefined {
  if (origin === undefined || isAllowedOrigin(origin, policy)) return undefined;
  // `checkHost` has already found the host to be ours.
  if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return undefined;
  return new AppError(
    'forbidden',
    `Pages from ${origin === 'null' ? 'an opaque origin' : `"${origin.slice(0, 200)}"`} may not use Corral. ` +
      'Add the origin to server.allowedOrigins if it is yours.',
  );
}

export function isAllowedOrigin(origin: string, policy: GuardPolicy): boolean {
  return policy.allowedOrigins.includes(origin);
}

/**
 * Lets an allowed origin's page read the answer, and answers its preflight question itself; true if that was it.
 * Same-origin pages need none of this.
 */
export function answerPreflight(
  request: IncomingMessage,
  response: ServerResponse,
  origin: string,
  policy: GuardPolicy,
): boolean {
  if (!isAllowedOrigin(origin, policy)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'Origin');
  if (request.method !== 'OPTIONS') return false;
  response.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '');
  response.setHeader('access-control-max-age', '600');
  response.writeHead(204).end();
  return true;
}

/** The key a request presents: Bearer, `x-api-key`, or the password of Basic. Undefined if it presents none. */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const [, scheme = '', credentials = ''] = /^(\S+)\s+(.*)$/.exec(authorization) ?? [];
    if (scheme.toLowerCase() === 'bearer') return credentials.trim();
    if (scheme.toLowerCase() === 'basic') {
      const decoded = Buffer.from(credentials, 'base64').toString('utf8');
      return decoded.slice(decoded.indexOf(':') + 1);
    }
    return authorization;
  }
  const header = headers['x-api-key'];
  return Array.isArray(header) ? header[0] : header;
}

/** Compares in a time that does not depend on where two secrets differ, nor on their lengths. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/**
 * The lane of a request. Without configured keys any key is as good as none, because many chat programs insist on sending
 * one; with keys, a wrong one is refused even where none would have been accepted.
 */
export function identifyLane(headers: IncomingHttpHeaders, policy: GuardPolicy): Lane | AppError {
  const key = presentedKey(headers);
  if (key === undefined || key === '') {
    if (!policy.isKeyDemanded) return DEFAULT_LANE;
    return new AppError('unauthorized', 'This address demands a key: send one of server.apiKeys as a Bearer token.');
  }
  let lane: Lane | undefined;
  // All are compared, so that the time does not tell which one was near.
  for (const candidate of policy.apiKeys) if (isSameSecret(candidate.key, key)) lane = candidate;
  if (lane !== undefined) return lane;
  if (policy.apiKeys.length === 0 && !policy.isKeyDemanded) return DEFAULT_LANE;
  return new AppError('unauthorized', 'The key is not one of server.apiKeys.');
}

export function checkLaneModel(lane: Lane, modelId: string): AppError | undefined {
  if (lane.models === undefined || lane.models.includes(modelId) || lane.models.includes('*')) return undefined;
  return new AppError('forbidden', `The key "${lane.name}" may not use model "${modelId}".`);
}
