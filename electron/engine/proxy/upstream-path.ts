import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';

export interface UpstreamTarget {
  readonly modelId: string;
  /** Path and query for the child, percent-encoded as the client wrote them. */
  readonly path: string;
  readonly canStart: boolean;
}

/**
 * Routes of llama-server that give away a shell or the network. Closed wherever they stand in a path, since a server may be
 * told to put a prefix before all of its routes, or takes `..` for what it says.
 */
const CLOSED_ROUTE = /(?:^|[/\\])(?:tools|cors-proxy)(?:[/\\?#;]|$)/i;

/** `?corral-start=1` on a GET below /upstream/ says that the model may be started for it. */
const START_PARAMETER = 'corral-start';

const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Where a request below /upstream/ goes: the model its path begins with, and the child's own route behind it. Throws
 * `not-found` for a path that begins with no model, `forbidden` for routes that are never passed on. Pure.
 */
export function findUpstreamTarget(
  request: { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders },
  { pathname, search }: { readonly pathname: string; readonly search: string },
  resolvePrefix: (path: string) => { modelId: string; rest: string } | undefined,
): UpstreamTarget {
  const found = resolvePrefix(pathname.slice('/upstream/'.length));
  if (found === undefined) {
    throw new AppError('not-found', 'The path after /upstream/ does not begin with the id of a model.');
  }
  if (isClosed(found.rest)) {
    throw new AppError('forbidden', `Corral does not pass on ${found.rest}: it gives away a shell or the network.`);
  }
  const query = new URLSearchParams(search);
  const isAskedToStart = query.get(START_PARAMETER) === '1';
  query.delete(START_PARAMETER);
  const kept = isAskedToStart ? (query.size === 0 ? '' : `?${query.toString()}`) : search;
  // A page elsewhere can make a browser send a GET without asking anybody; what is no browser does not say.
  const site = request.headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  return {
    modelId: found.modelId,
    path: (found.rest === '' ? '/' : found.rest) + kept,
    canStart: SAFE_METHODS.has(request.method) ? isAskedToStart && isOwn : true,
  };
}

/** A server may decode a path before it looks at it, and one behind it once more; what cannot be decoded stays as it is. */
export function isClosed(path: string): boolean {
  let reading = path;
  for (let depth = 0; depth < 3; depth += 1) {
    if (CLOSED_ROUTE.test(reading)) return true;
    reading = reading.replaceAll(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
  }
  return CLOSED_ROUTE.test(reading);
}
