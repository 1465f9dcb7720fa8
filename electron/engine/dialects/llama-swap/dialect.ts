import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import { isResident } from '#shared/model/model-state.ts';
import { answerLater, sendJson, sendText } from '../answers.ts';
import type { Dialect, DialectCall, DialectHost, DialectListener } from '../dialect.ts';
import type { LlamaSwapOptions } from './facts.ts';
import { createSwapLogs, sourcesOf } from './logs.ts';

const FAMILY = 'llama-swap';

/** The routes of llama-swap, early and today's; inference is Corral's own. */
export const llamaSwapDialect: Dialect = {
  name: FAMILY,
  create: (host, options) => createListener(host, options as LlamaSwapOptions),
};

/** A peer that has got another model is not asked for its list with each request. */
const LIST_MAX_AGE_MS = 60_000;

/** `running` is what llama-swap calls a process that is there. */
const stateNames: Readonly<Partial<Record<ModelState, string>>> = {
  starting: 'starting',
  loading: 'starting',
  ready: 'ready',
  draining: 'stopping',
  stopping: 'stopping',
};

function createListener(host: DialectHost, options: LlamaSwapOptions): DialectListener {
  const logs = createSwapLogs(host.engine);

  function answer(request: IncomingMessage, response: ServerResponse, call: DialectCall): boolean {
    const { method } = request;
    const { pathname } = call;
    if (pathname.startsWith('/upstream/')) {
      void host.inference.handleUpstream(request, response, call);
      return true;
    }
    if (method === 'GET' || method === 'HEAD') {
      switch (pathname) {
        case '/health':
          sendText(response, 200, 'OK');
          return true;
        case '/v1/models':
          answerLater(response, FAMILY, async () => {
            sendJson(response, 200, { data: [...listModels(call), ...(await listPeers(call))] });
          });
          return true;
        case '/running':
          sendJson(response, 200, { running: listRunning(call) });
          return true;
        case '/metrics':
          answerLater(response, FAMILY, async () => {
            const { text, contentType } = await host.renderMetrics();
            sendText(response, 200, text, contentType);
          });
          return true;
        case '/logs':
          sendText(response, 200, logs.history(sourcesOf(undefined, host.modelIds(call.lane)) ?? []));
          return true;
        default:
          if (pathname === '/logs/stream' || pathname.startsWith('/logs/stream/')) {
            streamLogs(request, response, call, 'text', pathname.slice('/logs/stream/'.length));
            return true;
          }
          if (pathname === '/logs/streamSSE' || pathname.startsWith('/logs/streamSSE/')) {
            streamLogs(request, response, call, 'events', pathname.slice('/logs/streamSSE/'.length));
            return true;
          }
      }
    }
    if (pathname === '/unload' && (method === 'GET' || method === 'POST')) {
      answerLater(response, FAMILY, () => unload(request, response, call, ''));
      return true;
    }
    const [, unloaded] = /^\/api\/models\/unload(?:\/(.*))?$/.exec(pathname) ?? [pathname];
    if (method === 'POST' && pathname.startsWith('/api/models/unload')) {
      answerLater(response, FAMILY, () => unload(request, response, call, unloaded ?? ''));
      return true;
    }
    return false;
  }

  function listModels({ lane }: DialectCall): Record<string, unknown>[] {
    const created = Math.floor(host.engine.snapshot().instance.startedAt / 1000);
    return host.modelIds(lane).flatMap((id) => {
      const model = host.modelConfig(id);
      if (model === undefined || model.isUnlisted) return [];
      const { name, description, metadata, unlistedAliases = [] } = options.models[id] ?? {};
      const aliases = options.includeAliasesInList
        ? model.aliases.filter((alias) => !unlistedAliases.includes(alias))
        : [];
      return [id, ...aliases].map((listed) => ({
        id: listed,
        object: 'model',
        created,
        owned_by: 'llama-swap',
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(metadata === undefined ? {} : { meta: { llamaswap: metadata } }),
      }));
    });
  }

  /** Pools, which is what becomes of `peers`; what is here by the same name goes first. */
  async function listPeers({ lane }: DialectCall): Promise<Record<string, unknown>[]> {
    const created = Math.floor(host.engine.snapshot().instance.startedAt / 1000);
    const pooled = await host.pooledModels(lane, LIST_MAX_AGE_MS);
    return pooled.flatMap(({ id, poolName }) =>
      host.resolveName(id) !== undefined
        ? []
        : {
            ...{ id, object: 'model', created, owned_by: 'llama-swap', name: `${poolName}: ${id}` },
            meta: { llamaswap: { peerID: poolName } },
          },
    );
  }

  function listRunning({ lane }: DialectCall): Record<string, unknown>[] {
    return host.modelIds(lane).flatMap((id) => {
      const { state } = host.engine.model(id);
      if (!isResident(state)) return [];
      const { name = '', description = '' } = options.models[id] ?? {};
      const ttl = Math.round((host.modelConfig(id)?.ttlMs ?? 0) / 1000);
      return [{ model: id, state: stateNames[state] ?? state, ttl, name, description }];
    });
  }

  /** Requests that run are answered to their end first. */
  async function unload(
    request: IncomingMessage,
    response: ServerResponse,
    call: DialectCall,
    written: string,
  ): Promise<void> {
    const refused = host.checkAdmin(request.headers);
    if (refused !== undefined) throw refused;
    const gone = new AbortController();
    response.once('close', () => gone.abort(new AppError('cancelled', 'The client went away.')));
    if (written === '') await host.engine.ejectAllModels('when-idle', gone.signal);
    else {
      const modelId = host.resolveName(decoded(written))?.modelId;
      if (modelId === undefined || !host.modelIds(call.lane).includes(modelId)) {
        throw new AppError('not-found', `There is no model "${decoded(written).slice(0, 300)}".`);
      }
      await host.engine.ejectModel(modelId, 'when-idle', gone.signal);
    }
    sendText(response, 200, 'OK');
  }

  function streamLogs(
    request: IncomingMessage,
    response: ServerResponse,
    { lane, search }: DialectCall,
    format: 'text' | 'events',
    written: string,
  ): void {
    const name = written === '' ? undefined : decoded(written);
    const sources = sourcesOf(name, host.modelIds(lane));
    if (sources === undefined) throw new AppError('not-found', `There is no log "${(name ?? '').slice(0, 300)}".`);
    if (request.method === 'HEAD') {
      sendText(response, 200, '');
      return;
    }
    logs.stream(response, {
      sources,
      isWanted: (source) => sourcesOf(name, host.modelIds(lane))?.includes(source) === true,
      hasHistory: !new URLSearchParams(search).has('no-history'),
      format,
    });
  }

  return {
    family: FAMILY,
    answer,
    checkTarget(modelId, { canStart }) {
      const limit = options.models[modelId]?.concurrencyLimit;
      if (limit === undefined || !canStart) return undefined;
      const { activeRequests, waitingRequests } = host.engine.model(modelId);
      return activeRequests + waitingRequests < limit ? undefined : new AppError('queue-full', 'Too many requests');
    },
    sendsComments: (modelId) => options.models[modelId]?.sendLoadingState,
    close: logs.close,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (thrown) {
    if (thrown instanceof URIError) return text;
    throw thrown;
  }
}
