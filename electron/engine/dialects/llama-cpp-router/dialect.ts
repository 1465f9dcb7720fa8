import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { LoadPlanView } from '#shared/contract/memory.ts';
import { answerLater, readJson, sendJson } from '../answers.ts';
import type { Dialect, DialectCall, DialectHost, DialectListener } from '../dialect.ts';
import { corralServerKeys } from './config-file.ts';
import type { optionsSchema } from './facts.ts';
import type { z } from 'zod';

const FAMILY = 'llama_cpp_router';

const EMBEDDING_ROUTES: ReadonlySet<string> = new Set(['/v1/embeddings', '/embeddings', '/embedding']);

/** The routes of llama_cpp_router (its README, "API Endpoints"); inference is Corral's own. */
export const llamaCppRouterDialect: Dialect = {
  name: FAMILY,
  create: (host, options) => createListener(host, options as z.output<typeof optionsSchema>),
};

function createListener(host: DialectHost, options: z.output<typeof optionsSchema>): DialectListener {
  function answer(request: IncomingMessage, response: ServerResponse, call: DialectCall): boolean {
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    const { pathname } = call;
    if (pathname === '/v1/models' && isGet) {
      const data = host.modelIds(call.lane).map((id) => ({ object: 'model', id, owned_by: options.owner }));
      sendJson(response, 200, { object: 'list', data });
      return true;
    }
    if (pathname === '/modelFits' && isGet) {
      answerLater(response, FAMILY, () => tellFits(response, call));
      return true;
    }
    if (pathname === '/config' && isGet) {
      sendJson(response, 200, withoutCorralKeys(servedDocument()));
      return true;
    }
    if (pathname === '/config' && request.method === 'POST') {
      answerLater(response, FAMILY, () => replaceConfig(request, response));
      return true;
    }
    return false;
  }

  function servedDocument(): Readonly<Record<string, unknown>> {
    const { foreign } = host.config();
    if (foreign?.format === FAMILY) return foreign.document as Readonly<Record<string, unknown>>;
    throw new AppError('conflict', 'Corral runs on a configuration of its own, which has no form for this program.');
  }

  async function tellFits(response: ServerResponse, { search, lane }: DialectCall): Promise<void> {
    const name = new URLSearchParams(search).get('model');
    const visible = host.modelIds(lane);
    if (name !== null) {
      const modelId = host.resolveName(name)?.modelId;
      if (modelId === undefined || !visible.includes(modelId)) sendJson(response, 404, { error: 'not found' });
      else sendJson(response, 200, fitOf(await host.engine.planLoad(modelId)));
      return;
    }
    const fits: [string, ModelFit][] = [];
    for (const modelId of visible) fits.push([modelId, fitOf(await host.engine.planLoad(modelId))]);
    sendJson(response, 200, Object.fromEntries(fits));
  }

  async function replaceConfig(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = host.checkAdmin(request.headers);
    if (refused !== undefined) throw refused;
    const { server } = host.config();
    if (!server.allowRemoteConfig) {
      throw new AppError(
        'forbidden',
        'A configuration says which programs are run, so it is taken over HTTP only if "server" has "allowRemoteConfig": true in the file.',
      );
    }
    let posted: unknown;
    try {
      posted = await readJson(request, server.maxBodyBytes);
      await host.replaceConfigFile(`${JSON.stringify(withOwnKeys(posted, servedDocument()), null, 2)}\n`);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || (thrown.code !== 'invalid-request' && thrown.code !== 'config-invalid')) {
        throw thrown;
      }
      sendJson(response, 400, { success: false, error: thrown.message });
      return;
    }
    sendJson(response, 200, { success: true, message: 'Config reloaded successfully' });
  }

  return {
    family: FAMILY,
    answer,
    checkTarget(modelId, { path }) {
      const model = host.modelConfig(modelId);
      if (!EMBEDDING_ROUTES.has(path) || model?.kind !== 'file' || model.embeddings) return undefined;
      return new AppError('invalid-request', 'This server does not support embeddings.');
    },
    startupLine: (address) => `🌐 Server listening on ${address}`,
  };
}

interface ModelFit {
  readonly fits: boolean;
  readonly requiredVramBytes: number | null;
  readonly freeVramBytes: number;
  /** What it would take and what is free, by device. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A plan in the program's words; without a GPU, system memory is what counts. `fits` is whether it fits without unloading anything. Pure. */
export function fitOf({
  model,
  outcome,
  isLoaded,
  need,
  placement,
  freeBytes,
  ejects,
  problem,
}: LoadPlanView): ModelFit {
  const fits = isLoaded || outcome === 'fits';
  const sum = (bytes: Readonly<Record<string, number>>): number =>
    Object.values(bytes).reduce((total, each) => total + each, 0);
  const { RAM: systemBytes = 0, ...gpuBytes } = freeBytes;
  const hasGpu = Object.keys(gpuBytes).length > 0;
  const required = need === null || need.source === 'unknown' ? null : hasGpu ? need.offloadedBytes : need.cpuBytes;
  const free = hasGpu ? sum(gpuBytes) : systemBytes;
  const message = isLoaded
    ? `${model} is loaded`
    : fits
      ? `${model} fits`
      : (problem ??
        (ejects.length > 0
          ? `${model} fits once ${ejects.map((each) => each.model).join(', ')} is unloaded`
          : `needs ${required ?? 'an unknown number of'} B but only ${free} B are free`));
  return {
    fits,
    requiredVramBytes: required,
    freeVramBytes: free,
    details: { placement, free: freeBytes, ejects: ejects.map((each) => each.model) },
    message,
  };
}

/** Keys and tokens in the file are no part of the program's own configuration, and nobody's to read. */
function withoutCorralKeys(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const server = Object.entries(document['server'] as Record<string, unknown>).filter(
    ([key]) => !corralServerKeys.some((own) => own === key),
  );
  return { ...document, server: Object.fromEntries(server) };
}

/** Who replaces the configuration has not been shown Corral's own keys in it, so these stay unless they are said anew. */
function withOwnKeys(posted: unknown, served: Readonly<Record<string, unknown>>): unknown {
  if (typeof posted !== 'object' || posted === null || Array.isArray(posted)) return posted;
  const before = served['server'] as Readonly<Record<string, unknown>>;
  const own = Object.fromEntries(corralServerKeys.flatMap((key) => (key in before ? [[key, before[key]]] : [])));
  if (Object.keys(own).length === 0) return posted;
  const after = posted as Readonly<Record<string, unknown>>;
  return { ...after, server: { ...own, ...(after['server'] as object | undefined) } };
}
