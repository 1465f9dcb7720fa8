import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import { sendError } from './error-bodies.ts';
import { answerPreflight, checkHost, checkOrigin, type GuardPolicy } from './guards.ts';
import type { InferenceHandler, RequestUrl } from './inference.ts';
import { familyOf, findInferenceRoute } from './routes.ts';

/** Routes of llama-server that give away a shell or the network; closed below /upstream/, too. */
const CLOSED_UPSTREAM = /^\/(?:tools|cors-proxy)(?:\/|$)/;

export interface RequestListenerOptions {
  guardPolicy(): GuardPolicy;
  readonly inference: InferenceHandler;
  /** The model a decoded path below /upstream/ begins with. */
  resolveUpstream(path: string): { modelId: string; rest: string } | undefined;
  /** Express, for everything that is not on the way of tokens. */
  readonly app: RequestListener;
}

/**
 * What Node's server calls. The guards come first for every request; then the inference routes are dispatched here, since
 * Express's router and its wrapping of request and response would cost more than the rest of Corral (docs/adr/0006).
 */
export function createRequestListener(options: RequestListenerOptions): RequestListener {
  const { inference, app } = options;
  return (request, response) => {
    const url = splitUrl(request.url ?? '/');
    const policy = options.guardPolicy();
    const { host, origin } = request.headers;
    const refused = checkHost(host, request.socket.localAddress, policy) ?? checkOrigin(origin, host, policy);
    if (refused !== undefined) {
      sendError(response, refused, familyOf(url.pathname));
      return;
    }
    if (origin !== undefined && answerPreflight(request, response, origin, policy)) return;
    const route = findInferenceRoute(request.method ?? 'GET', url.pathname);
    if (route !== undefined) void inference.handle(route, request, response, url);
    else if (url.pathname.startsWith('/upstream/')) passUpstream(request, response, url);
    else app(request, response);
  };

  function passUpstream(request: IncomingMessage, response: ServerResponse, { pathname, search }: RequestUrl): void {
    const found = resolveEncoded(pathname.slice('/upstream/'.length));
    if (found === undefined) {
      sendError(
        response,
        new AppError('not-found', 'The path after /upstream/ does not begin with the id of a model.'),
      );
      return;
    }
    if (CLOSED_UPSTREAM.test(found.rest)) {
      sendError(
        response,
        new AppError('forbidden', `Corral does not pass on ${found.rest}: it gives away a shell or the network.`),
      );
      return;
    }
    const query = new URLSearchParams(search);
    const isAskedToStart = query.get(START_PARAMETER) === '1';
    query.delete(START_PARAMETER);
    const isSafe = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
    // A page elsewhere can make a browser send a GET without asking anybody.
    const isCrossSite = request.headers['sec-fetch-site'] === 'cross-site';
    const canStart = isSafe ? isAskedToStart && !isCrossSite : true;
    const rest = found.rest === '' ? '/' : found.rest;
    const kept = isAskedToStart ? (query.size === 0 ? '' : `?${query.toString()}`) : search;
    void inference.handleUpstream(
      { modelId: found.modelId, path: encodeURI(rest) + kept, canStart },
      request,
      response,
    );
  }

  function resolveEncoded(path: string): { modelId: string; rest: string } | undefined {
    try {
      return options.resolveUpstream(decodeURIComponent(path));
    } catch (thrown) {
      if (thrown instanceof URIError) return undefined;
      throw thrown;
    }
  }
}

/** `?corral-start=1` on a GET below /upstream/ says that the model may be started for it. */
const START_PARAMETER = 'corral-start';

function originForm(url: string): string {
  if (!URL.canParse(url)) return '/';
  const { pathname, search } = new URL(url);
  return pathname + search;
}

function splitUrl(url: string): RequestUrl {
  // An absolute form (`GET http://host/path`) is allowed by HTTP/1.1; its path is what counts.
  const target = url.startsWith('/') ? url : originForm(url);
  const question = target.indexOf('?');
  return question === -1
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, question), search: target.slice(question) };
}
