import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { answerLater, readJson, sendJson, sendText } from '../answers.ts';
import type { Dialect, DialectCall, DialectHost, DialectListener } from '../dialect.ts';
import { metricsText, queueStats, telemetrySummary } from './figures-view.ts';
import { modelsHealth, serverHealth } from './health-view.ts';
import { createKeepWarm } from './keep-warm.ts';
import { createMemoryLook } from './memory-look.ts';
import { createModelHistory } from './model-history.ts';
import type { RouterModelOptions } from './options.ts';
import { translatePriority } from './priority.ts';
import { createRequestTally } from './request-tally.ts';
import { findAppRoute, type AppRoute } from './routes.ts';
import { createStatusFile, readStatusFile, statusFilePath } from './status-file.ts';
import { createStatusStreams } from './status-stream.ts';
import { openStatusServer, type StatusServer } from './status-server.ts';
import { fullStatus, loadingStatus, modelStatus, type FullStatus } from './status-view.ts';
import { modelVram, totalsOf, vramSummary, vramView } from './vram-view.ts';

const FAMILY = 'routermodel';
/** A model that failed so often gets no requests until it is reset. */
const MAX_ATTEMPTS = 3;
/** `{"model": …}` and nothing else. */
const MAX_COMMAND_BYTES = 64 * 1024;
const MAX_RECORDS = 10_000;

export const routerModelDialect: Dialect = {
  name: 'routermodel',
  create: (host, options) => createRouterModelListener(host, options as RouterModelOptions),
};

function createRouterModelListener(host: DialectHost, options: RouterModelOptions): DialectListener {
  const { engine, clock } = host;
  const tally = createRequestTally();
  const history = createModelHistory();
  const streams = createStatusStreams(clock);
  const statusFileName = statusFilePath(engine.snapshot().instance.dataFolder);
  const statusFile = createStatusFile(statusFileName, {
    clock,
    onError: (error) => host.log('warn', `${statusFileName} cannot be written: ${error.message}`),
  });
  const memory = createMemoryLook({
    clock,
    subscribe: (listener) => engine.subscribe(listener),
    hasReading: () => engine.snapshot().memory.devices.length > 0,
  });
  const keepWarm = createKeepWarm({
    count: options.keepWarm,
    clock,
    models: () => engine.snapshot().models,
    async load(modelId) {
      await engine.loadModel(modelId, new AbortController().signal);
    },
    onRefused: (modelId, error) => host.log('debug', `${modelId} is not kept warm: ${error.message}`),
  });
  let statusServer: Promise<StatusServer | undefined> | undefined;

  function currentStatus(): FullStatus {
    const snapshot = engine.snapshot();
    return fullStatus(snapshot, snapshot.models, clock.wallMs());
  }

  function catchUp(): void {
    tally.observe(engine.listRequests(MAX_RECORDS));
  }

  for (const model of engine.snapshot().models) history.observe(model);
  statusFile.write(currentStatus());
  const unsubscribe = engine.subscribe(
    ({ event }) => {
      if (event.type === 'requests-recorded') catchUp();
      if (event.type === 'model-changed') history.observe(event.model);
      if (event.type === 'log-appended' || event.type === 'queue-changed' || event.type === 'requests-recorded') return;
      statusFile.write(currentStatus());
      streams.update();
    },
    { isLooking: false },
  );
  if (options.statusPort !== undefined) {
    statusServer = openStatusServer({
      port: options.statusPort,
      statusFile: statusFileName,
      clock,
      setting: 'statusPort',
    }).catch((thrown: unknown) => {
      host.log('error', `The status server does not listen: ${(thrown as Error).message}`);
      return undefined;
    });
  }

  /** The models that the caller may see, in the order of the file. */
  function modelsOf({ lane }: DialectCall): ModelView[] {
    const { models } = engine.snapshot();
    return host.modelIds(lane).flatMap((id) => models.find((model) => model.id === id) ?? []);
  }

  function findModel(call: DialectCall, name: string): ModelView {
    const id = host.resolveName(name)?.modelId;
    const model = modelsOf(call).find((each) => each.id === id);
    if (model === undefined) throw new AppError('not-found', `Model '${name.slice(0, 300)}' not found`);
    return model;
  }

  async function metrics(): Promise<string> {
    await memory.ensure();
    catchUp();
    const { models, memory: view } = engine.snapshot();
    const own = metricsText(tally, {
      modelsLoaded: history.loads(),
      modelsEjected: history.ejects(),
      modelsActive: models.filter(({ state }) => isResident(state)).length,
      vram: totalsOf(view),
    });
    return own + (await host.renderMetrics()).text;
  }

  async function eject(request: IncomingMessage, response: ServerResponse, call: DialectCall): Promise<void> {
    const body = await readJson(request, MAX_COMMAND_BYTES);
    const name = (body as { model?: unknown } | null)?.model;
    if (typeof name !== 'string' || name === '') throw new AppError('model-missing', 'Model is required');
    const model = findModel(call, name);
    if (!isResident(model.state)) {
      sendJson(response, 200, {
        status: 'not_found',
        model_ejected: model.id,
        message: `Model '${model.id}' is not loaded`,
      });
      return;
    }
    await engine.ejectModel(model.id, 'when-idle', new AbortController().signal);
    sendJson(response, 200, {
      status: 'success',
      model_ejected: model.id,
      message: `Model '${model.id}' was ejected`,
    });
  }

  function reset(response: ServerResponse, model: ModelView): void {
    engine.resetModel(model.id);
    const previous = history.forget(model.id) ?? model.problem?.message;
    sendJson(response, 200, {
      status: 'success',
      model: model.id,
      message: `Model '${model.id}' may be loaded again`,
      ...(previous === undefined ? {} : { previous_error: previous }),
    });
  }

  function demandAdmin(request: IncomingMessage): void {
    const refused = host.checkAdmin(request.headers);
    if (refused !== undefined) throw refused;
  }

  /** What can be told from what is known; undefined for the other routes. */
  function viewOf(route: AppRoute, call: DialectCall): unknown {
    const snapshot = engine.snapshot();
    switch (route.kind) {
      case 'models':
        return { object: 'list', data: modelsOf(call).map(listed) };
      case 'models-health':
        return modelsHealth(modelsOf(call), { history, tally, nowMs: clock.wallMs() });
      case 'queue-stats':
        return queueStats(modelsOf(call), tally);
      case 'telemetry':
        return telemetrySummary(tally);
      case 'failed':
        return { failed_models: history.failed() };
      case 'loading-status':
        return loadingStatus(findModel(call, route.model));
      case 'status':
        return fullStatus(snapshot, modelsOf(call), clock.wallMs());
      case 'model-status':
        return modelStatus(findModel(call, route.model), snapshot.memory);
      default:
        return undefined;
    }
  }

  /** Of what has to be looked up first. */
  async function readView(route: AppRoute, call: DialectCall): Promise<unknown> {
    if (route.kind === 'status-file') {
      const status = await readStatusFile(statusFileName);
      if (status === undefined) throw new AppError('not-found', 'Status file not found');
      return status;
    }
    await memory.ensure();
    const snapshot = engine.snapshot();
    if (route.kind === 'vram-model') return modelVram(findModel(call, route.model), snapshot.memory);
    return route.kind === 'vram' ? vramView(snapshot, modelsOf(call)) : vramSummary(snapshot, modelsOf(call));
  }

  function answerRoute(route: AppRoute, request: IncomingMessage, response: ServerResponse, call: DialectCall): void {
    const later = (work: () => Promise<void>): void => answerLater(response, FAMILY, work);
    switch (route.kind) {
      case 'wrong-method':
        throw new AppError('method-not-allowed', 'Method Not Allowed');
      case 'health': {
        const { status, body } = serverHealth(engine.snapshot());
        sendJson(response, status, body);
        break;
      }
      case 'metrics':
        later(async () => sendText(response, 200, await metrics(), 'text/plain; version=0.0.4; charset=utf-8'));
        break;
      case 'vram':
      case 'vram-summary':
      case 'vram-model':
      case 'status-file':
        later(async () => sendJson(response, 200, await readView(route, call)));
        break;
      case 'status-stream':
        streams.add(response, () => fullStatus(engine.snapshot(), modelsOf(call), clock.wallMs()));
        break;
      case 'eject':
        demandAdmin(request);
        later(() => eject(request, response, call));
        break;
      case 'reset':
        demandAdmin(request);
        reset(response, findModel(call, route.model));
        break;
      default:
        catchUp();
        sendJson(response, 200, viewOf(route, call));
    }
  }

  function listed({ id, contextSize }: ModelView): Record<string, unknown> {
    return { id, object: 'model', owned_by: 'user', n_ctx: options.contextSizes[id] ?? contextSize };
  }

  return {
    family: FAMILY,
    answer(request, response, call) {
      const asked = request.headers['x-request-id'];
      const isUsable = typeof asked === 'string' && /^[\x21-\x7e]{1,200}$/.test(asked);
      response.setHeader('x-request-id', isUsable ? asked : randomUUID());
      const route = findAppRoute(request.method ?? 'GET', call.pathname);
      if (route === undefined) {
        translatePriority(request.headers);
        return false;
      }
      answerRoute(route, request, response, call);
      return true;
    },
    checkTarget(modelId) {
      if (history.attempts(modelId) < MAX_ATTEMPTS) return undefined;
      return new AppError(
        'model-failed',
        `Model '${modelId}' failed ${history.attempts(modelId)} times. Mend the cause, then POST /v1/models/${modelId}/reset.`,
      );
    },
    async close() {
      unsubscribe();
      memory.close();
      keepWarm.close();
      streams.close();
      // What became of the models while Corral ended.
      statusFile.write(currentStatus());
      await statusFile.close();
      await (await statusServer)?.close();
    },
  };
}
