import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AppError } from '#shared/contract/errors.ts';
import { sendError } from './error-bodies.ts';
import { answerPreflight, checkHost, checkOrigin, type GuardPolicy } from './guards.ts';
import type { InferenceHandler } from './inference.ts';
import { closeIfUnread } from './refuse-unread.ts';
import { splitUrl, type RequestUrl } from './request-url.ts';
import { familyOf, findInferenceRoute, type ApiFamily } from './routes.ts';

export interface RequestListenerOptions {
  guardPolicy(): GuardPolicy;
  readonly inference: InferenceHandler;
  /** Routes of another API that no model answers; false: not one of them. */
  readonly answerForeign?: (request: IncomingMessage, response: ServerResponse, url: RequestUrl) => boolean;
  /** Express, for everything that is not on the way of tokens. */
  readonly app: RequestListener;
}

/**
 * What Node's server calls. The guards come first for every request; then the inference routes are dispatched here, since
 * Express's router and its wrapping of request and response would cost more than the rest of Corral (docs/adr/0006).
 */
export function createRequestListener(options: RequestListenerOptions): RequestListener {
  const { guardPolicy, inference, answerForeign, app } = options;
  const isAnswered = createGate(guardPolicy);

  return (request, response) => {
    const url = splitUrl(request.url ?? '/');
    if (isAnswered(request, response, url)) return;
    const route = findInferenceRoute(request.method ?? 'GET', url.pathname);
    if (route !== undefined) void inference.handle(route, request, response, url);
    else if (url.pathname.startsWith('/upstream/')) void inference.handleUpstream(request, response, url);
    else if (answerForeign?.(request, response, url) !== true) {
      closeIfUnread(request, response);
      app(request, response);
    }
  };
}

/**
 * The guards that every request of an address passes first. True: it has been refused, or was a question about permission
 * that has been answered.
 */
export function createGate(
  guardPolicy: () => GuardPolicy,
  family?: ApiFamily,
): (request: IncomingMessage, response: ServerResponse, url: RequestUrl) => boolean {
  /** The last host found to be ours. A client sends the same one with every request. */
  let known: { host: string | undefined; localAddress: string | undefined; policy: GuardPolicy } | undefined;

  function refuseHost(
    host: string | undefined,
    localAddress: string | undefined,
    policy: GuardPolicy,
  ): AppError | undefined {
    if (known?.host === host && known?.localAddress === localAddress && known?.policy === policy) return undefined;
    const refused = checkHost(host, localAddress, policy);
    if (refused === undefined) known = { host, localAddress, policy };
    return refused;
  }

  return (request, response, url) => {
    const policy = guardPolicy();
    const { host, origin } = request.headers;
    const refused = refuseHost(host, request.socket.localAddress, policy) ?? checkOrigin(origin, host, policy);
    if (refused !== undefined) {
      closeIfUnread(request, response);
      sendError(response, refused, family ?? familyOf(url.pathname));
      return true;
    }
    return origin !== undefined && answerPreflight(request, response, origin, policy);
  };
}
