import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { processFolders } from '../../config/process-folders.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { presentedKey, isSameSecret } from '../../proxy/guards.ts';
import { answerLater, isCrossSite, sendJson, sendText } from '../answers.ts';
import type { Dialect, DialectCall, DialectHost, DialectListener } from '../dialect.ts';
import { NOT_PROXIED } from './error-answer.ts';
import { cacheFolders } from './find-models.ts';
import type { LlamaRouterOptions } from './options.ts';
import { rescanRouterFile, type RescanOutcome } from './router-store.ts';
import { findRouterRoute, isProxied, type LookPath, type RouterRoute } from './routes.ts';
import { createStartFailures } from './start-failures.ts';

const FAMILY = 'llama-router';
/** Once Corral listens and follows its file; what waits for it is a look into the caches, not a person. */
const FIRST_RESCAN_MS = 250;

export const llamaRouterDialect: Dialect = {
  name: 'llama-router',
  create: (host, options) => createLlamaRouterListener(host, options as LlamaRouterOptions),
};

function createLlamaRouterListener(host: DialectHost, options: LlamaRouterOptions): DialectListener {
  const failures = createStartFailures({
    log: (line) => host.log('error', line),
  });
  const unsubscribe = host.engine.subscribe(
    ({ event }) => {
      if (event.type === 'model-changed') failures.observe(event.model);
    },
    { isLooking: false },
  );

  function endpointsOf(modelId: string): readonly string[] {
    return options.models[modelId]?.proxyEndpoints ?? [];
  }

  function answerModels(response: ServerResponse, { lane }: DialectCall): void {
    const created = Math.floor(host.engine.snapshot().instance.startedAt / 1000);
    const data = host.modelIds(lane).map((id) => ({ id, object: 'model', owned_by: 'router', created }));
    sendJson(response, 200, { object: 'list', data });
  }

  function answerLook(
    request: IncomingMessage,
    response: ServerResponse,
    { search }: DialectCall,
    { model, path }: { readonly model: string | undefined; readonly path: LookPath },
  ): void {
    const modelId = model === undefined ? lastStarted(host.engine.snapshot().models) : host.resolveName(model)?.modelId;
    if (modelId === undefined) {
      if (model === undefined) sendText(response, 503, 'no models running');
      else throw new AppError('not-found', `There is no model "${model.slice(0, 300)}".`);
      return;
    }
    if (!isProxied(path, endpointsOf(modelId))) throw notProxied(path, modelId);
    // The mark makes a GET start the model; one for a page of another site never does.
    const mark = model === undefined || isCrossSite(request) ? '' : `${search === '' ? '?' : '&'}corral-start=1`;
    const pathname = `/upstream/${encodeURIComponent(modelId)}${path}`;
    void host.inference.handleUpstream(request, response, { pathname, search: search + mark });
  }

  function isAdmin(headers: IncomingHttpHeaders): boolean {
    return credentialsOf(headers).some(
      (credential) =>
        host.checkAdmin({ authorization: `Bearer ${credential}` }) === undefined || isOwnToken(credential),
    );
  }

  function isOwnToken(credential: string): boolean {
    return options.adminToken !== undefined && isSameSecret(options.adminToken, credential);
  }

  async function rescan(): Promise<RescanOutcome> {
    const filePath = host.config().filePath;
    if (filePath === undefined) throw new AppError('conflict', 'No file of llama-router is served.');
    const { env, homeFolder } = processFolders();
    const outcome = await rescanRouterFile(filePath, {
      homeFolder,
      cacheFolders: cacheFolders(env, homeFolder),
      write: (text) => host.replaceConfigFile(text),
    });
    const { added, removed } = outcome;
    if (added.length > 0) host.log('info', `Found in the caches: ${added.join(', ')}`);
    if (removed.length > 0) host.log('info', `No longer in the caches: ${removed.join(', ')}`);
    return outcome;
  }

  function answerAdmin(
    request: IncomingMessage,
    response: ServerResponse,
    kind: (RouterRoute & { kind: 'reload' | 'rescan' })['kind'],
  ): void {
    if (!isAdmin(request.headers)) {
      sendJson(response, 403, { error: 'forbidden' });
      return;
    }
    answerLater(response, FAMILY, async () => {
      if (kind === 'reload') {
        await host.engine.ejectAllModels('when-idle', new AbortController().signal);
        sendJson(response, 200, { status: 'reloaded' });
        return;
      }
      const { added, removed } = await rescan();
      sendJson(response, 200, { status: 'rescanned', new_models: added.length, removed: removed.length });
    });
  }

  // llama-router looks into the caches whenever it starts.
  const firstRescan =
    host.config().foreign?.format === FAMILY
      ? host.clock.setTimer(FIRST_RESCAN_MS, () => {
          rescan().catch((thrown: unknown) =>
            host.log('warn', `The caches were not looked into: ${(thrown as Error).message}`),
          );
        })
      : undefined;

  return {
    family: FAMILY,
    answer(request, response, call) {
      const route = findRouterRoute(request.method ?? 'GET', call.pathname);
      if (route === undefined) return false;
      if (route.kind === 'models') answerModels(response, call);
      else if (route.kind === 'look') answerLook(request, response, call, route);
      else if (route.kind === 'wrong-method') {
        throw new AppError('method-not-allowed', `${call.pathname} takes ${route.allowed} only.`);
      } else answerAdmin(request, response, route.kind);
      return true;
    },
    isOwnToken: (headers) => credentialsOf(headers).some(isOwnToken),
    checkTarget: (modelId, _route, request) => {
      const pathname = (request.url ?? '/').split('?', 1)[0] ?? '/';
      return isProxied(pathname, endpointsOf(modelId)) ? undefined : notProxied(pathname, modelId);
    },
    loadingNote: (modelId, pathname) =>
      options.notifyModelSwap && pathname.endsWith('/chat/completions')
        ? loadingEvent(modelId, options.models[modelId]?.group ?? '')
        : undefined,
    startupLine: (address) => `llama-router listens on ${address}`,
    close() {
      firstRescan?.cancel();
      unsubscribe();
    },
  };
}

/** What clients show as reasoning. Pure. */
function loadingEvent(modelId: string, group: string): string {
  const text = `[llama-router] Loading ${modelId} (${group === '' ? modelId : group})\n`;
  return `data: ${JSON.stringify({ choices: [{ delta: { reasoning_content: text }, index: 0 }] })}\n\n`;
}

function notProxied(pathname: string, modelId: string): AppError {
  return new AppError('unknown-route', `${pathname} is not in proxy_endpoints of model "${modelId}".`, {
    details: { reason: NOT_PROXIED },
  });
}

function credentialsOf(headers: IncomingHttpHeaders): string[] {
  const own = headers['x-admin-token'];
  return [presentedKey(headers), Array.isArray(own) ? own[0] : own].filter(
    (credential): credential is string => credential !== undefined && credential !== '',
  );
}

/** Of those that run, the one that got there last. Pure. */
export function lastStarted(models: readonly ModelView[]): string | undefined {
  const running = models.filter(({ state }) => isResident(state));
  return running.sort((one, other) => other.stateSince - one.stateSince)[0]?.id;
}
