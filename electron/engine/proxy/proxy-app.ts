import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Lease } from '../scheduler/lease.ts';
import type { AcquireOptions } from '../scheduler/scheduler.ts';
import { sendError } from './error-bodies.ts';
import { findRequestedModel } from './find-model.ts';
import { forward } from './forward.ts';
import {
  checkHost,
  checkLaneModel,
  checkOrigin,
  identifyLane,
  isAllowedOrigin,
  type GuardPolicy,
  type Lane,
} from './guards.ts';
import { readBody } from './read-body.ts';
import { inferenceRoutes, type ApiFamily, type InferenceRoute } from './routes.ts';

export interface ListedModel {
  readonly id: string;
  readonly createdSeconds: number;
  readonly state: string;
  readonly isDemo: boolean;
  readonly contextSize: number | null;
  readonly aliases: readonly string[];
}

export interface ProxyDependencies {
  readonly guardPolicy: GuardPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** The id behind an id or alias; undefined if there is none. */
  resolveModel(name: string): string | undefined;
  listModels(): readonly ListedModel[];
  isLoaded(modelId: string): boolean;
  isShuttingDown(): boolean;
  acquire(options: AcquireOptions): Promise<Lease>;
  /** Why a model's last process went away, if it did. */
  explainLoss(modelId: string): AppError | undefined;
  /** Handlers of other layers, which see only requests that passed Host and Origin. */
  readonly mounts: readonly Mount[];
}

export interface Mount {
  readonly prefix: string;
  readonly handler: RequestHandler;
}

/** The HTTP side of Corral: guards, inference routes, the model list. Errors leave in the shape the client's family expects. */
export function createProxyApp(dependencies: ProxyDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('case sensitive routing', true);
  app.set('query parser', false);

  app.use(guardEveryRequest(dependencies.guardPolicy));
  app.get('/health', (_request, response) => {
    response.json({ status: dependencies.isShuttingDown() ? 'shutting down' : 'ok' });
  });
  for (const { prefix, handler } of dependencies.mounts) app.use(prefix, handler);

  const requireLane = laneGuard(dependencies.guardPolicy);
  const listModels = modelList(dependencies);
  for (const path of ['/v1/models', '/models']) app.get(path, requireLane, listModels);
  app.get('/v1/models/*id', requireLane, oneModel(dependencies));
  for (const route of inferenceRoutes) {
    const handler = inferenceHandler(route, dependencies);
    if (route.method === 'GET') app.get(route.path, requireLane, handler);
    else app.post(route.path, requireLane, handler);
  }
  refuseOtherMethods(app);

  app.use((request: Request, response: Response) => {
    sendError(
      response,
      new AppError(
        'unknown-route',
        `There is nothing at ${request.method} ${request.path}. The OpenAI-compatible API is under /v1.`,
      ),
      familyOf(request.path),
    );
  });
  app.use((thrown: unknown, request: Request, response: Response, _next: NextFunction) => {
    sendError(response, fromExpress(thrown, dependencies.logger), familyOf(request.path));
  });
  return app;
}

function guardEveryRequest(policy: GuardPolicy): RequestHandler {
  return (request, response, next) => {
    const { host, origin } = request.headers;
    const refused = checkHost(host, request.socket.localAddress, policy) ?? checkOrigin(origin, host, policy);
    if (refused !== undefined) {
      sendError(response, refused, familyOf(request.path));
      return;
    }
    if (origin !== undefined && isAllowedOrigin(origin, policy)) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('vary', 'Origin');
      if (request.method === 'OPTIONS') {
        response.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
        response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '');
        response.setHeader('access-control-max-age', '600');
        response.status(204).end();
        return;
      }
    }
    next();
  };
}

/** What the guard found out about a request, for the handlers behind it. */
const lanes = new WeakMap<Request, Lane>();

function laneGuard(policy: GuardPolicy): RequestHandler {
  return (request, response, next) => {
    const lane = identifyLane(request.headers, policy);
    if (lane instanceof AppError) {
      sendError(response, lane, familyOf(request.path));
      return;
    }
    lanes.set(request, lane);
    next();
  };
}

function inferenceHandler(route: InferenceRoute, dependencies: ProxyDependencies): RequestHandler {
  return async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new AppError('cancelled', 'The client went away.'));
    });
    let lease: Lease | undefined;
    try {
      if (dependencies.isShuttingDown()) {
        throw new AppError('shutting-down', 'Corral is shutting down.', { retryAfterSeconds: 5 });
      }
      const { search, searchParams } = new URL(request.originalUrl, 'http://corral');
      const body = route.method === 'POST' ? await readBody(request, dependencies.maxBodyBytes) : undefined;
      const requested = await findRequestedModel(request, searchParams, route.modelFrom === 'query' ? undefined : body);
      const modelId = dependencies.resolveModel(requested.name);
      if (modelId === undefined) throw unknownModel(requested.name, dependencies);
      const lane = lanes.get(request);
      if (lane === undefined) throw new AppError('internal', 'A route without its key check.');
      const refused = checkLaneModel(lane, modelId);
      if (refused !== undefined) throw refused;
      if (!route.canStart && !dependencies.isLoaded(modelId)) {
        throw new AppError('not-loaded', `Model "${modelId}" is not loaded, and ${request.path} does not load it.`);
      }
      lease = await dependencies.acquire({ modelId, lane: lane.name, priority: lane.priority, signal: gone.signal });
      await forward({
        request,
        response,
        path: request.path + search,
        body,
        lease,
        family: route.family,
        clock: dependencies.clock,
        responseTimeoutMs: dependencies.responseTimeoutMs,
        idleTimeoutMs: dependencies.idleTimeoutMs,
        explainLoss: () => dependencies.explainLoss(modelId),
      });
    } catch (thrown) {
      if (gone.signal.aborted) return; // Nobody is left to answer.
      const error = toAppError(thrown);
      if (error.code === 'internal')
        dependencies.logger.log('error', `${request.method} ${request.path}: ${error.message}`);
      // The rest of a body that was refused is not worth reading: the connection goes with the answer.
      sendError(response, error, route.family, error.code === 'too-large' ? { connection: 'close' } : {});
    } finally {
      lease?.release();
    }
  };
}

function unknownModel(name: string, { listModels }: ProxyDependencies): AppError {
  const known = listModels()
    .slice(0, 20)
    .map((model) => model.id);
  return new AppError('not-found', `There is no model "${name.slice(0, 300)}". Known models: ${known.join(', ')}.`);
}

function describeModel(model: ListedModel): Record<string, unknown> {
  return {
    id: model.id,
    object: 'model',
    created: model.createdSeconds,
    owned_by: 'corral',
    corral: {
      state: model.state,
      aliases: model.aliases,
      ...(model.contextSize === null ? {} : { context_size: model.contextSize }),
      ...(model.isDemo ? { demo: true } : {}),
    },
  };
}

function modelList({ listModels }: ProxyDependencies): RequestHandler {
  return (request, response) => {
    const lane = lanes.get(request);
    const visible = listModels().filter((model) => lane === undefined || checkLaneModel(lane, model.id) === undefined);
    response.json({ object: 'list', data: visible.map(describeModel) });
  };
}

function oneModel(dependencies: ProxyDependencies): RequestHandler<{ id: string | string[] }> {
  return (request, response) => {
    // Ids may hold slashes, so the wildcard's parts are put together again.
    const name = [request.params.id].flat().join('/');
    const modelId = dependencies.resolveModel(name);
    const model = dependencies.listModels().find((each) => each.id === modelId);
    if (model === undefined) sendError(response, unknownModel(name, dependencies));
    else response.json(describeModel(model));
  };
}

/** Answers 405 with `Allow` for known paths asked with another method. */
function refuseOtherMethods(app: Express): void {
  const methods = new Map<string, string[]>([
    ['/health', ['GET']],
    ['/v1/models', ['GET']],
    ['/models', ['GET']],
  ]);
  for (const route of inferenceRoutes) methods.set(route.path, [...(methods.get(route.path) ?? []), route.method]);
  for (const [path, allowed] of methods) {
    app.all(path, (request, response) => {
      sendError(
        response,
        new AppError('method-not-allowed', `${request.path} takes ${allowed.join(' and ')}, not ${request.method}.`),
        familyOf(request.path),
        { allow: allowed.join(', ') },
      );
    });
  }
}

function familyOf(path: string): ApiFamily {
  return path.startsWith('/v1/messages') ? 'anthropic' : 'openai';
}

/** Express itself throws for paths it cannot decode; everything else that reaches it is a defect. */
function fromExpress(thrown: unknown, logger: Logger): AppError {
  if (thrown instanceof URIError) return new AppError('invalid-request', 'The path is not properly percent-encoded.');
  const error = toAppError(thrown);
  if (error.code === 'internal')
    logger.log('error', error.message, { stack: thrown instanceof Error ? thrown.stack : undefined });
  return error;
}
