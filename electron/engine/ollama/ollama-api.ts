import { stat } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import type { GgufMetadataReader } from '../catalog/gguf-metadata.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { sendError } from '../proxy/error-bodies.ts';
import { parseJsonObject } from '../proxy/filter-body.ts';
import { checkJsonBody } from '../proxy/find-model.ts';
import { resolveTagged, untaggedUnknown } from '../proxy/find-target.ts';
import { checkLaneModel, identifyLane, type GuardPolicy, type Lane } from '../proxy/guards.ts';
import { readBody } from '../proxy/read-body.ts';
import { refuseUnread } from '../proxy/refuse-unread.ts';
import { sendJson } from '../proxy/translation.ts';
import type { RequestUrl } from '../proxy/request-url.ts';
import { describeListed, describeLoaded, describeShown, type ListedModel } from './model-listing.ts';
import { answerPull, type PullService } from './pull.ts';
import { flagField, textField, type JsonObject } from './request-fields.ts';

export interface OllamaApiSources {
  readonly clock: Clock;
  readonly logger: Logger;
  guardPolicy(): GuardPolicy;
  /** Undefined if the headers carry the admin or instance token, else why not. */
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  models(): readonly ModelView[];
  /** The id behind an id, alias or `set/model`. */
  resolveModel(name: string): string | undefined;
  config(modelId: string): ModelConfig | undefined;
  ttlMs(modelId: string): number;
  readonly metadata: Pick<GgufMetadataReader, 'read' | 'readKeys'>;
  /** At an address that is Ollama's own, whose clients ask whether it is there. */
  readonly hasRoot: boolean;
  readonly pulls: PullService;
  /** Throws `conflict` for what Corral did not download. `signal` ends a wait for requests that run. */
  deleteModel(modelId: string, signal: AbortSignal): Promise<unknown>;
}

export interface OllamaApi {
  /** True: it took the request and answers it. For those that passed Host and Origin; what a model answers is not here. */
  answer(request: IncomingMessage, response: ServerResponse, url: RequestUrl): boolean;
}

/**
 * The Ollama whose API this is. Its clients compare it with the least they need (tools, thinking, structured output), so it is
 * not Corral's own version.
 */
const OLLAMA_VERSION = '0.12.6';
/** Names and switches; no prompt comes here. */
const MAX_BODY_BYTES = 1024 * 1024;

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `admin`: changes what is on the machine, so the key of a lane is not enough. */
  readonly who: 'lane' | 'admin';
  answer(call: Call): Promise<void> | void;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly lane: Lane | undefined;
}

/** Everything of Ollama's API but what a model answers: lists, details, downloads, and what Corral does not do. */
export function createOllamaApi(sources: OllamaApiSources): OllamaApi {
  const { clock } = sources;

  function visible(lane: Lane | undefined): readonly ModelView[] {
    return sources.models().filter(({ id }) => lane === undefined || checkLaneModel(lane, id) === undefined);
  }

  async function listed(view: ModelView, config: ModelConfig): Promise<ListedModel> {
    const facts = config.kind === 'file' ? await readFacts(config.file) : undefined;
    const { metadata, modifiedAtMs = 0 } = facts ?? {};
    return { config, view, metadata, modifiedAtMs, ttlMs: sources.ttlMs(view.id) };
  }

  async function listAll(views: readonly ModelView[]): Promise<readonly ListedModel[]> {
    const known = views.flatMap((view) => {
      const config = sources.config(view.id);
      return config === undefined ? [] : [{ view, config }];
    });
    return await Promise.all(known.map(({ view, config }) => listed(view, config)));
  }

  /** A file that is not there, or is none, is listed all the same: the window says what is wrong with it. */
  async function readFacts(file: string): Promise<Pick<ListedModel, 'metadata' | 'modifiedAtMs'> | undefined> {
    try {
      const [metadata, { mtimeMs }] = await Promise.all([sources.metadata.read(file), stat(file)]);
      return { metadata, modifiedAtMs: mtimeMs };
    } catch {
      return undefined;
    }
  }

  async function readRequest({ request }: Call): Promise<JsonObject> {
    const body = await readBody(request, MAX_BODY_BYTES);
    checkJsonBody(body);
    return parseJsonObject(body);
  }

  /** `name` is what older clients write. */
  function namedModel(request: JsonObject): string {
    const name = textField(request, 'model') || textField(request, 'name');
    if (name === '') throw new AppError('model-missing', 'model is required');
    return name;
  }

  function findModel(name: string, lane: Lane | undefined): { view: ModelView; config: ModelConfig } {
    const modelId = resolveTagged(name, sources.resolveModel)?.resolved;
    const view = visible(lane).find(({ id }) => id === modelId);
    const config = modelId === undefined ? undefined : sources.config(modelId);
    if (view === undefined || config === undefined) throw untaggedUnknown(name);
    return { view, config };
  }

  async function show(call: Call): Promise<void> {
    const request = await readRequest(call);
    const { view, config } = findModel(namedModel(request), call.lane);
    const model = await listed(view, config);
    const isReadable = config.kind === 'file' && model.metadata !== undefined;
    const keys = isReadable ? await sources.metadata.readKeys(config.file) : undefined;
    sendJson(call.response, 200, describeShown(model, keys, flagField(request, 'verbose') ?? false));
  }

  async function pull(call: Call): Promise<void> {
    const request = await readRequest(call);
    const source = namedModel(request);
    if (!/^[^/]+\/[^/]+/.test(source)) {
      throw new AppError(
        'not-supported',
        `"${source.slice(0, 200)}" is a name of Ollama's own library, which Corral does not fetch from. Name a model of Hugging Face: ` +
          '"hf.co/user/repo:Q4_K_M".',
      );
    }
    await answerPull(call.response, {
      service: sources.pulls,
      source,
      isStreaming: flagField(request, 'stream') ?? true,
    });
  }

  async function remove(call: Call): Promise<void> {
    const name = namedModel(await readRequest(call));
    const { view } = findModel(name, undefined);
    const gone = new AbortController();
    call.response.once('close', () => gone.abort(new AppError('cancelled', 'The client went away.')));
    await sources.deleteModel(view.id, gone.signal);
    call.response.writeHead(200, { 'content-length': 0 }).end();
  }

  const root: Route = {
    method: 'GET',
    who: 'lane',
    answer({ response }) {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('Ollama is running');
    },
  };
  const routes: Readonly<Record<string, Route>> = {
    ...(sources.hasRoot ? { '': root } : {}),
    '/api/version': {
      method: 'GET',
      who: 'lane',
      answer: ({ response }) => sendJson(response, 200, { version: OLLAMA_VERSION }),
    },
    '/api/tags': {
      method: 'GET',
      who: 'lane',
      async answer({ response, lane }) {
        sendJson(response, 200, { models: (await listAll(visible(lane))).map(describeListed) });
      },
    },
    '/api/ps': {
      method: 'GET',
      who: 'lane',
      async answer({ response, lane }) {
        const loaded = visible(lane).filter(({ state }) => isResident(state) && state !== 'stopping');
        const now = clock.wallMs();
        sendJson(response, 200, { models: (await listAll(loaded)).map((model) => describeLoaded(model, now)) });
      },
    },
    '/api/show': { method: 'POST', who: 'lane', answer: show },
    '/api/pull': { method: 'POST', who: 'admin', answer: pull },
    '/api/delete': { method: 'DELETE', who: 'admin', answer: remove },
    '/api/copy': refusing(
      'POST',
      'Corral copies no models: give the model a further name with `aliases` in the configuration.',
    ),
    '/api/create': refusing('POST', 'Corral creates no models: add the GGUF file to `models` in the configuration.'),
    '/api/push': refusing('POST', 'Corral publishes no models.'),
  };
  const blobs = refusing(
    'POST',
    'Corral takes no files over this API: add the GGUF file to `models` in the configuration.',
  );

  async function serve(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      let lane: Lane | undefined;
      if (route.who === 'admin') {
        const refused = sources.checkAdmin(request.headers);
        if (refused !== undefined) throw adminNeeded(refused);
      } else {
        const identified = identifyLane(request.headers, sources.guardPolicy());
        if (identified instanceof AppError) throw identified;
        lane = identified;
      }
      await route.answer({ request, response, lane });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') sources.logger.log('error', `${request.url ?? ''}: ${error.message}`);
      if (request.complete || response.headersSent) sendError(response, error, 'ollama');
      else refuseUnread(request, response, error, { family: 'ollama', clock });
    }
  }

  return {
    answer(request, response, { pathname }) {
      const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
      const route = Object.hasOwn(routes, path) ? routes[path] : path.startsWith('/api/blobs/') ? blobs : undefined;
      if (route === undefined) return false;
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      if (route === blobs && method === 'GET') {
        // Which is the answer to whoever asks whether a file is there already.
        sendError(response, new AppError('unknown-route', 'Corral keeps no blobs.'), 'ollama');
      } else if (method !== route.method) {
        const error = new AppError('method-not-allowed', `${path} takes ${route.method}, not ${method ?? ''}.`);
        sendError(response, error, 'ollama', { allow: route.method });
      } else void serve(route, request, response);
      return true;
    },
  };
}

function refusing(method: Route['method'], message: string): Route {
  return {
    method,
    who: 'lane',
    answer() {
      throw new AppError('not-supported', message);
    },
  };
}

function adminNeeded(cause: AppError): AppError {
  return new AppError(
    'unauthorized',
    'This changes what is on the machine and needs the admin token (server.adminToken) as a Bearer token.',
    { cause },
  );
}
