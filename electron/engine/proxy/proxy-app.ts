import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Logger } from '../ports/logger.ts';
import { sendError } from './error-bodies.ts';
import { unknownModel } from './find-target.ts';
import { checkLaneModel, identifyLane, type GuardPolicy, type Lane } from './guards.ts';
import { familyOf, inferenceRoutes } from './routes.ts';

export interface ListedModel {
  readonly id: string;
  readonly createdSeconds: number;
  readonly state: string;
  readonly isDemo: boolean;
  readonly contextSize: number | null;
  readonly aliases: readonly string[];
}

export interface ProxyAppDependencies {
  readonly logger: Logger;
  guardPolicy(): GuardPolicy;
  /** The id behind an id, alias or `set/model`; undefined if there is none. */
  resolveModel(name: string): string | undefined;
  listModels(): readonly ListedModel[];
  isShuttingDown(): boolean;
  renderMetrics(): Promise<{ contentType: string; text: string }>;
  /** Handlers of other layers, which see only requests that passed Host and Origin. */
  readonly mounts: readonly Mount[];
}

export interface Mount {
  readonly prefix: string;
  readonly handler: RequestHandler;
}

/**
 * Everything but inference: health, metrics, the model list, what other layers mount, and the refusals. Host and Origin have
 * been checked before (see request-listener.ts).
 */
export function createProxyApp(dependencies: ProxyAppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('case sensitive routing', true);
  app.set('query parser', false);

  app.get('/health', (_request, response) => {
    response.json({ status: dependencies.isShuttingDown() ? 'shutting down' : 'ok' });
  });
  for (const { prefix, handler } of dependencies.mounts) app.use(prefix, handler);

  const requireLane = laneGuard(dependencies.guardPolicy);
  // Before anything that would tell what there is and what not.
  app.use((request, response, next) => {
    if (dependencies.guardPolicy().isKeyDemanded) requireLane(request, response, next);
    else next();
  });
  const listModels = modelList(dependencies);
  for (const path of ['/v1/models', '/models']) app.get(path, requireLane, listModels);
  app.get('/v1/models/*id', requireLane, oneModel(dependencies));
  app.get('/metrics', requireLane, async (_request, response) => {
    const { contentType, text } = await dependencies.renderMetrics();
    response.type(contentType).send(text);
  });
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

/** What the guard found out about a request, for the handlers behind it. */
const lanes = new WeakMap<Request, Lane>();

function laneGuard(guardPolicy: () => GuardPolicy): RequestHandler {
  return (request, response, next) => {
    const lane = identifyLane(request.headers, guardPolicy());
    if (lane instanceof AppError) {
      sendError(response, lane, familyOf(request.path));
      return;
    }
    lanes.set(request, lane);
    next();
  };
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

function visibleTo(lane: Lane | undefined, models: readonly ListedModel[]): readonly ListedModel[] {
  return models.filter((model) => lane === undefined || checkLaneModel(lane, model.id) === undefined);
}

function modelList({ listModels }: ProxyAppDependencies): RequestHandler {
  return (request, response) => {
    response.json({ object: 'list', data: visibleTo(lanes.get(request), listModels()).map(describeModel) });
  };
}

function oneModel(dependencies: ProxyAppDependencies): RequestHandler<{ id: string | string[] }> {
  return (request, response) => {
    // Ids may hold slashes, so the wildcard's parts are put together again.
    const name = [request.params.id].flat().join('/');
    const modelId = dependencies.resolveModel(name);
    const visible = visibleTo(lanes.get(request), dependencies.listModels());
    const model = visible.find((each) => each.id === modelId);
    if (model === undefined) {
      const known = visible.map(({ id }) => id);
      sendError(response, unknownModel(name, known));
    } else response.json(describeModel(model));
  };
}

/** Answers 405 with `Allow` for known paths asked with another method. */
function refuseOtherMethods(app: Express): void {
  const methods = new Map<string, string[]>([
    ['/health', ['GET']],
    ['/v1/models', ['GET']],
    ['/models', ['GET']],
    ['/metrics', ['GET']],
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

/** Express itself throws for paths it cannot decode; everything else that reaches it is a defect. */
function fromExpress(thrown: unknown, logger: Logger): AppError {
  if (thrown instanceof URIError) return new AppError('invalid-request', 'The path is not properly percent-encoded.');
  const error = toAppError(thrown);
  if (error.code === 'internal')
    logger.log('error', error.message, { stack: thrown instanceof Error ? thrown.stack : undefined });
  return error;
}
