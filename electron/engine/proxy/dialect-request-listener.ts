import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { sendError } from './error-bodies.ts';
import { DEFAULT_LANE, identifyLane, type GuardPolicy, type Lane } from './guards.ts';
import type { InferenceHandler } from './inference.ts';
import { closeIfUnread } from './refuse-unread.ts';
import { createGate } from './request-listener.ts';
import { splitUrl, type RequestUrl } from './request-url.ts';
import { findInferenceRoute, inferenceRoutes, type ApiFamily } from './routes.ts';

export interface DialectRequestListenerOptions {
  readonly family: ApiFamily;
  guardPolicy(): GuardPolicy;
  readonly inference: InferenceHandler;
  /** The dialect's own routes; false: it has none here. */
  answer(request: IncomingMessage, response: ServerResponse, call: RequestUrl & { readonly lane: Lane }): boolean;
  /** Whether the headers carry a token that stands above keys. */
  isAdmin(headers: IncomingHttpHeaders): boolean;
}

/**
 * What Node's server calls on an address that speaks another program's language: the guards, then that program's own
 * routes, then the native inference routes. All errors are in its shape. `/control` and `/ui/` are not here.
 */
export function createDialectRequestListener(options: DialectRequestListenerOptions): RequestListener {
  const { family, guardPolicy, inference } = options;
  const isAnswered = createGate(guardPolicy, family);

  function laneOf(request: IncomingMessage, pathname: string): Lane | AppError {
    const lane = identifyLane(request.headers, guardPolicy());
    const isOpen = pathname === '/health' && (request.method === 'GET' || request.method === 'HEAD');
    return lane instanceof AppError && (isOpen || options.isAdmin(request.headers)) ? DEFAULT_LANE : lane;
  }

  return (request, response) => {
    const url = splitUrl(request.url ?? '/');
    if (isAnswered(request, response, url)) return;
    closeIfUnread(request, response);
    const lane = laneOf(request, url.pathname);
    if (lane instanceof AppError) {
      sendError(response, lane, family);
      return;
    }
    try {
      if (options.answer(request, response, { ...url, lane })) return;
    } catch (thrown) {
      sendError(response, toAppError(thrown), family);
      return;
    }
    const route = findInferenceRoute(request.method ?? 'GET', url.pathname);
    if (route !== undefined) void inference.handle(route, request, response, url);
    else sendError(response, noRoute(request.method ?? 'GET', url.pathname), family);
  };
}

function noRoute(method: string, pathname: string): AppError {
  const isKnown = inferenceRoutes.some(({ path }) => path === pathname);
  return isKnown
    ? new AppError('method-not-allowed', `${pathname} does not take ${method}.`)
    : new AppError('unknown-route', `There is nothing at ${method} ${pathname}.`);
}
