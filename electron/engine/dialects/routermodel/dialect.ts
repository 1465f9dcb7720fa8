import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { answerLater, readJson, sendJson, sendText } from '../answers.ts';
import type { Dialect, DialectCall, DialectHost, DialectListener } from '../dialect.ts';
import { metricsText, queueStats, telemetrySummary } from './figures-view.ts';
import { createKeepWarm } from './keep-warm.ts';
import { createMemoryLook } from './memory-look.ts';
import { createModelHistory } from './model-history.ts';
import type { RouterModelOptions } from './options.ts';
import { translatePriority } from './priority.ts';
import { averageOf, createRequestTally } from './request-tally.ts';
import { findAppRoute, type AppRoute } from './routes.ts';
import { createStatusFile, readStatusFile, statusFilePath } from './status-file.ts';
import { createStatusStreams } from './status-stream.ts';
import { openStatusServer, type StatusServer } from './status-server.ts';
import {
  appStatus,
  fullStatus,
  gigabytes,
  isoTime,
  loadingStatus,
  modelStatus,
  type FullStatus,
} from './status-view.ts';
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
    statusServer = openStatusServer({ port: options.statusPort, statusFile: statusFileName, clock }).catch(
      (thrown: unknown) => {
        host.log('error', `The status server does not listen: ${(thrown as Error).message}`);
        return undefined;
      },
    );
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

  function health(): { status: number; body: unknown } {
    const { instance, engine: llamaServer, memory: view, models } = engine.snapshot();
    const { usedBytes } = totalsOf(view);
    const hasGpu = view.devices.some(({ kind }) => kind !== 'ram');
    const isOk = !instance.isShuttingDown && llamaServer.status !== 'missing';
    const body = {
      status: isOk ? 'ok' : 'degraded',
      checks: {
        gpu: { status: hasGpu ? 'ok' : 'unavailable', vram_used_gb: hasGpu ? gigabytes(usedBytes) : 0 },
        manager: {
          status: isOk ? 'ok' : instance.isShuttingDown ? 'shutting_down' : 'degraded',
          active_models: models.filter(({ state }) => isResident(state)).length,
        },
        http_client: { status: 'ok' },
      },
    };
    return { status: isOk ? 200 : 503, body };
  }

  function modelsHealth(models: readonly ModelView[]): Record<string, unknown> {
    catchUp();
    const loaded = models.filter(({ state }) => isResident(state) || state === 'crashed' || state === 'failed');
    return Object.fromEntries(
      loaded.map((model) => {
        const failures = history.attempts(model.id);
        const seconds = tally.byModel().get(model.id)?.durationsSeconds ?? [];
        return [
          model.id,
          {
            uptime_percentage: history.uptimePercentage(model.id, clock.wallMs()),
            consecutive_failures: failures,
            avg_response_time_ms: Math.round(averageOf(seconds) * 1000),
            last_check: isoTime(clock.wallMs()),
            status: model.state === 'ready' ? (failures > 0 ? 'degraded' : 'healthy') : appStatus(model),
          },
        ];
      }),
    );
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

  function answerRoute(route: AppRoute, request: IncomingMessage, response: ServerResponse, call: DialectCall): void {
    const later = (work: () => Promise<void>): void => answerLater(response, FAMILY, work);
    const send = (value: unknown): void => sendJson(response, 200, value);
    switch (route.kind) {
      case 'wrong-method':
        throw new AppError('method-not-allowed', 'Method Not Allowed');
      case 'models':
        return send({ object: 'list', data: modelsOf(call).map((model) => listed(model)) });
      case 'health': {
        const { status, body } = health();
        return sendJson(response, status, body);
      }
      case 'metrics':
        return later(async () => sendText(response, 200, await metrics(), 'text/plain; version=0.0.4; charset=utf-8'));
      case 'vram':
      case 'vram-summary':
        return later(async () => {
          await memory.ensure();
          send((route.kind === 'vram' ? vramView : vramSummary)(engine.snapshot(), modelsOf(call)));
        });
      case 'vram-model':
        return later(async () => {
          await memory.ensure();
          send(modelVram(findModel(call, route.model), engine.snapshot().memory));
        });
      case 'models-health':
        return send(modelsHealth(modelsOf(call)));
      case 'queue-stats':
        catchUp();
        return send(queueStats(modelsOf(call), tally));
      case 'telemetry':
        catchUp();
        return send(telemetrySummary(tally));
      case 'failed':
        return send({ failed_models: history.failed() });
      case 'loading-status':
        return send(loadingStatus(findModel(call, route.model)));
      case 'status':
        return send(fullStatus(engine.snapshot(), modelsOf(call), clock.wallMs()));
      case 'model-status':
        return send(modelStatus(findModel(call, route.model), engine.snapshot().memory));
      case 'status-stream':
        return streams.add(response, () => fullStatus(engine.snapshot(), modelsOf(call), clock.wallMs()));
      case 'status-file':
        return later(async () => {
          const status = await readStatusFile(statusFileName);
          if (status === undefined) throw new AppError('not-found', 'Status file not found');
          send(status);
        });
      case 'eject':
        demandAdmin(request);
        return later(() => eject(request, response, call));
      case 'reset':
        demandAdmin(request);
        return reset(response, findModel(call, route.model));
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
      await statusFile.close();
      await (await statusServer)?.close();
    },
  };
}
