import type { RequestListener } from 'node:http';
import { sendError } from './error-bodies.ts';
import { answerPreflight, checkHost, checkOrigin, type GuardPolicy } from './guards.ts';
import type { InferenceHandler, RequestUrl } from './inference.ts';
import { familyOf, findInferenceRoute } from './routes.ts';

export interface RequestListenerOptions {
  guardPolicy(): GuardPolicy;
  readonly inference: InferenceHandler;
  /** Express, for everything that is not on the way of tokens. */
  readonly app: RequestListener;
}

/**
 * What Node's server calls. The guards come first for every request; then the inference routes are dispatched here, since
 * Express's router and its wrapping of request and response would cost more than the rest of Corral (docs/adr/0006).
 */
export function createRequestListener({ guardPolicy, inference, app }: RequestListenerOptions): RequestListener {
  return (request, response) => {
    const url = splitUrl(request.url ?? '/');
    const policy = guardPolicy();
    const { host, origin } = request.headers;
    const refused = checkHost(host, request.socket.localAddress, policy) ?? checkOrigin(origin, host, policy);
    if (refused !== undefined) {
      sendError(response, refused, familyOf(url.pathname));
      return;
    }
    if (origin !== undefined && answerPreflight(request, response, origin, policy)) return;
    const route = findInferenceRoute(request.method ?? 'GET', url.pathname);
    if (route !== undefined) void inference.handle(route, request, response, url);
    else if (url.pathname.startsWith('/upstream/')) void inference.handleUpstream(request, response, url);
    else app(request, response);
  };
}

function splitUrl(url: string): RequestUrl {
  // An absolute form (`GET http://host/path`) is allowed by HTTP/1.1; its path is what counts.
  const target = url.startsWith('/') ? url : originForm(url);
  const question = target.indexOf('?');
  return question === -1
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, question), search: target.slice(question) };
}

function originForm(url: string): string {
  if (!URL.canParse(url)) return '/';
  const { pathname, search } = new URL(url);
  return pathname + search;
}
