import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { INSTANCE_HEADER, VIA_HEADER } from '../pools/hops.ts';
import type { Logger } from '../ports/logger.ts';
import { sendError } from './error-bodies.ts';
import { unknownModel } from './find-target.ts';
import { checkLaneModel, identifyLane, type GuardPolicy, type Lane } from './guards.ts';
import { checkLanePool } from './pooled-requests.ts';
import { familyOf, inferenceRoutes } from './routes.ts';

export interface ListedModel {
  readonly id: string;
  readonly createdSeconds: number;
  readonly state: string;
  readonly isDemo: boolean;
  /** Left out of lists; asked for by its name it is there. */
  readonly isUnlisted: boolean;
  readonly contextSize: number | null;
  readonly aliases: readonly string[];
  /** All its files together; undefined where that is not known. */
  readonly sizeBytes: number | undefined;
  /** Such as `text`, `image` and `audio`; undefined where that is not known. */
  readonly modalities: { readonly input: readonly string[]; readonly output: readonly string[] } | undefined;
  /** Where it is, if it is not here. */
  readonly pool?: {
    readonly name: string;
    readonly owner: string;
    /** The Corrals between here and there. */
    readonly via: readonly string[];
    /** What its endpoint says of it besides. */
    readonly described: Readonly<Record<string, unknown>>;
  };
}

export interface ProxyAppDependencies {
  readonly logger: Logger;
  guardPolicy(): GuardPolicy;
  /** By which other Corrals know this one. */
  readonly instanceId: string;
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
  const { pool } = model;
  return {
    ...pool?.described,
    id: model.id,
    object: 'model',
    created: model.createdSeconds,
    owned_by: pool?.owner ?? 'corral',
    corral: {
      ...(pool === undefined ? {} : { pool: pool.name, via: pool.via }),
      state: model.state,
      aliases: model.aliases,
      ...(model.contextSize === null ? {} : { context_size: model.contextSize }),
      ...(model.sizeBytes === undefined ? {} : { size_bytes: model.sizeBytes }),
      ...(model.modalities === undefined ? {} : { modalities: model.modalities }),
      ...(model.isDemo ? { demo: true } : {}),
    },
  };
}

function visibleTo(lane: Lane | undefined, models: readonly ListedModel[]): readonly ListedModel[] {
  return models.filter(
    ({ id, pool }) =>
      lane === undefined ||
      (pool === undefined ? checkLaneModel(lane, id) : checkLanePool(lane, pool.name, id)) === undefined,
  );
}

function modelList({ listModels, instanceId }: ProxyAppDependencies): RequestHandler {
  return (request, response) => {
    if (request.headers[VIA_HEADER] !== undefined) response.setHeader(INSTANCE_HEADER, instanceId);
    response.json({
      object: 'list',
      data: visibleTo(lanes.get(request), listModels())
        .filter(({ isUnlisted }) => !isUnlisted)
        .map(describeModel),
    });
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
      const known = visible.filter(({ isUnlisted }) => !isUnlisted).map(({ id }) => id);
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
