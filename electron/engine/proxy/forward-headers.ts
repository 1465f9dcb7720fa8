import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { VIA_HEADER } from '../pools/hops.ts';
import { PRIORITY_HEADER } from './request-priority.ts';

/** RFC 9110 section 7.6.1, and the older names still in use. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Set anew for the connection to the child, or meant for Corral alone: a client's key goes no further. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'expect',
  'authorization',
  'x-api-key',
  'cookie',
  'origin',
  'referer',
  PRIORITY_HEADER,
  VIA_HEADER,
]);

/** A child's own opinion on who may read its answers is overruled: llama-server allows every origin. */
const NOT_RETURNED = /^(?:access-control-.*|server)$/;

function namedByConnection(value: string | undefined): ReadonlySet<string> {
  // What nearly every message says needs no taking apart.
  if (value === undefined || value === 'keep-alive' || value === 'close') return NOTHING_NAMED;
  return new Set(value.split(',').map((name) => name.trim().toLowerCase()));
}

const NOTHING_NAMED: ReadonlySet<string> = new Set();

/** The headers a request goes on with, as the flat list undici takes. Pure. */
export function forwardedRequestHeaders(
  rawHeaders: readonly string[],
  connection: string | undefined,
  {
    apiKey,
    contentLength,
    isPlainWanted = false,
    isTranslated = false,
    more,
  }: {
    apiKey: string | undefined;
    contentLength: number | undefined;
    /** The answer must not be compressed, whatever the client would take. */
    isPlainWanted?: boolean;
    /** The body is Corral's, whatever the client called its own. */
    isTranslated?: boolean;
    /** Names and values in turn. */
    more?: readonly string[] | undefined;
  },
): string[] {
  const named = namedByConnection(connection);
  const forwarded: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || NOT_FORWARDED.has(lower) || named.has(lower) || lower.startsWith('sec-fetch-'))
      continue;
    if (isPlainWanted && lower === 'accept-encoding') continue;
    if (isTranslated && (lower === 'content-type' || lower === 'accept')) continue;
    forwarded.push(name, rawHeaders[index + 1] ?? '');
  }
  // RFC 9110, section 12.5.3: without the header, any coding would do.
  if (isPlainWanted) forwarded.push('accept-encoding', 'identity');
  if (isTranslated) forwarded.push('content-type', 'application/json');
  if (more !== undefined) forwarded.push(...more);
  if (apiKey !== undefined) forwarded.push('authorization', `Bearer ${apiKey}`);
  if (contentLength !== undefined) forwarded.push('content-length', String(contentLength));
  return forwarded;
}

/** The headers an answer comes back with. Pure. */
export function returnedHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = namedByConnection(headers.connection);
  const returned: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (HOP_BY_HOP.has(name) || named.has(name) || NOT_RETURNED.test(name) || value === undefined) continue;
    returned[name] = value;
  }
  if (isEventStream(headers)) returned['x-accel-buffering'] = 'no';
  return returned;
}

export function isEventStream(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') === true;
}
