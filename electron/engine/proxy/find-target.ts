import type { IncomingMessage } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { FilterConfig } from '../config/resolved-config.ts';
import type { ResolvedName } from '../model-table.ts';
import type { Lease } from '../scheduler/lease.ts';
import { findConversationModel, goneConversation, type Conversations } from './conversations.ts';
import { filterBody, parseJsonObject, withModelName } from './filter-body.ts';
import { checkJsonBody, findRequestedModel, type RequestedModel } from './find-model.ts';
import { checkLaneModel, type Lane } from './guards.ts';
import type { InferencePlace } from './inference.ts';
import type { PooledRequests, PooledTarget } from './pooled-requests.ts';
import type { RequestUrl } from './request-url.ts';
import type { InferenceRoute } from './routes.ts';
import type { Translate, TranslatedRequest } from './translation.ts';

/** What is asked of which model. */
export interface Target {
  readonly modelId: string;
  readonly setName: string | undefined;
  readonly isStreaming: boolean;
  /** Whether the answer will be server-sent events, which may begin with comments. */
  readonly canComment: boolean;
  readonly canStart: boolean;
  /** Path and query for the child. */
  readonly path: string;
  readonly body: Buffer | undefined;
  /** The body may name pictures and the like that the model's server would fetch. */
  readonly mayNameMedia: boolean;
  /** It goes to another machine. */
  readonly pooled?: PooledTarget;
  /** For a request in another API's words; undefined where bytes go on as they came. */
  readonly translated?: TranslatedRequest | undefined;
}

export interface TargetSources {
  resolveModel(name: string): ResolvedName | undefined;
  knownModels(): readonly string[];
  filtersOf(modelId: string): FilterConfig | undefined;
  /** The way to a model's process that counts as no use of it; undefined unless it is ready. */
  peek(modelId: string): Lease | undefined;
  /** Asked for names that no model here has. */
  readonly pooled: PooledRequests;
  /** Shared by all addresses. */
  readonly conversations: Conversations;
}

/** What a request asks for, and at which address. */
interface Asked {
  readonly route: InferenceRoute;
  readonly request: IncomingMessage;
  readonly place: Pick<InferencePlace, 'checkTarget'>;
}

/** Throws `invalid-request` and `model-missing` for a body that does not say what it should, `not-found`. */
export async function findTarget(
  sources: TargetSources,
  { route, request, place, url: { pathname, search } }: Asked & { readonly url: RequestUrl },
  body: Buffer | undefined,
  lane: Lane,
): Promise<Target> {
  const { conversations } = sources;
  const ofStream =
    route.modelFrom === 'conversation' ? findConversationModel(search, lane.name, conversations) : undefined;
  const searched = route.modelFrom === 'query' ? undefined : body;
  const requested = ofStream ?? (await findRequestedModel(request, search, searched));
  const resolved = sources.resolveModel(requested.name);
  if (resolved === undefined) {
    const pooled = sources.pooled.find({ requested, route, request, lane, pathname, search, body });
    if (pooled !== undefined) return pooledTarget(pooled, requested, route);
    const known = sources.knownModels().filter((modelId) => checkLaneModel(lane, modelId) === undefined);
    throw unknownModel(requested.name, known);
  }
  const refused = place.checkTarget?.(resolved.modelId, route, request);
  if (refused !== undefined) throw refused;
  if (ofStream !== undefined && sources.peek(resolved.modelId) === undefined) {
    throw goneConversation(ofStream.conversationId);
  }
  const filters = sources.filtersOf(resolved.modelId);
  const canFilter = filters !== undefined && body !== undefined && requested.isJson;
  return {
    modelId: resolved.modelId,
    setName: resolved.setName,
    isStreaming: requested.isStreaming,
    canComment: requested.isStreaming && requested.isJson && route.canStreamEvents,
    canStart: route.canStart,
    path: pathname + search,
    body: canFilter ? filterBody(body, filters, requested.name) : body,
    mayNameMedia: requested.mayNameMedia,
  };
}

function pooledTarget(pooled: PooledTarget, requested: RequestedModel, route: InferenceRoute): Target {
  const { isStreaming, isJson, mayNameMedia } = requested;
  return {
    ...{ pooled, isStreaming, mayNameMedia, path: pooled.path, body: pooled.body },
    modelId: pooled.name.label,
    setName: undefined,
    canComment: isStreaming && isJson && route.canStreamEvents,
    canStart: route.canStart,
  };
}

/**
 * The same for a request that a model's server gets in its own words. Its body is JSON, whatever its content type says:
 * that is how Ollama reads it, and pages of other sites are kept out by their origin.
 */
export function findTranslatedTarget(
  sources: TargetSources,
  { route, request, place, translate }: Asked & { readonly translate: Translate },
  body: Buffer | undefined,
  lane: Lane,
): Target {
  const bytes = body ?? Buffer.alloc(0);
  const { model: asked } = checkJsonBody(bytes);
  if (asked === undefined || asked === '') throw new AppError('model-missing', 'model is required');
  const found = resolveTagged(asked, sources.resolveModel);
  const refused = found && place.checkTarget?.(found.resolved.modelId, route, request);
  if (refused !== undefined) throw refused;
  const translated = translate(parseJsonObject(bytes), { asked, model: found?.name ?? asked });
  const isForwarded = translated.kind === 'forward';
  const path = isForwarded ? translated.path : '';
  const plain = isForwarded ? Buffer.from(JSON.stringify(translated.body)) : undefined;
  const { isStreaming } = translated;
  // Pictures come within the request, never by their address.
  const common = { isStreaming, canComment: false, canStart: true, mayNameMedia: false, translated };
  if (found === undefined) {
    const toPool = { route, request, lane, pathname: path, search: '', body: plain };
    const pooled = findPooled(asked, sources.pooled, toPool);
    if (pooled === undefined) throw untaggedUnknown(asked);
    const { label, model } = pooled.name;
    const named = plain === undefined ? undefined : withModelName(plain, model);
    return { ...common, pooled, path: pooled.path, body: named, modelId: label, setName: undefined };
  }
  const { modelId, setName } = found.resolved;
  const filters = sources.filtersOf(modelId);
  const isFiltered = plain !== undefined && filters !== undefined;
  return { ...common, modelId, setName, path, body: isFiltered ? filterBody(plain, filters, found.name) : plain };
}

/** The pool that knows a name, with its tag or without, before one that would take any. */
function findPooled(
  asked: string,
  pooled: PooledRequests,
  options: Omit<Parameters<PooledRequests['find']>[0], 'requested'>,
): PooledTarget | undefined {
  const found = namesOf(asked).flatMap((name) => {
    const requested = { name, isStreaming: false, isJson: true, mayNameMedia: false };
    return pooled.find({ ...options, requested }) ?? [];
  });
  return found.find(({ name }) => !name.label.endsWith('/*')) ?? found[0];
}

const DEFAULT_TAG = ':latest';

/** Ollama's clients write `name:latest` for `name`, and `hf.co/…`. A model that has the very name comes first. */
export function resolveTagged<Resolved>(
  asked: string,
  resolve: (name: string) => Resolved | undefined,
): { readonly name: string; readonly resolved: Resolved } | undefined {
  for (const name of namesOf(asked)) {
    const resolved = resolve(name);
    if (resolved !== undefined) return { name, resolved };
  }
  return undefined;
}

/** How Ollama's clients name what comes from Hugging Face; models from there have aliases without it. */
const HUB = /^(?:hf\.co|huggingface\.co)\//;

/** What a client of Ollama may mean, first what it wrote. */
function namesOf(asked: string): readonly string[] {
  const untagged = asked.endsWith(DEFAULT_TAG) ? [asked, asked.slice(0, -DEFAULT_TAG.length)] : [asked];
  return HUB.test(asked) ? [...untagged, ...untagged.map((name) => name.replace(HUB, ''))] : untagged;
}

/** In Ollama's own words, which its clients match on. */
export function untaggedUnknown(asked: string): AppError {
  return new AppError('not-found', `model '${asked.slice(0, 300)}' not found`);
}

/** Names the known models, so that a typing mistake is found at a glance. */
export function unknownModel(name: string, known: readonly string[]): AppError {
  const listed = known.slice(0, 20).join(', ');
  return new AppError('not-found', `There is no model "${name.slice(0, 300)}". Known models: ${listed}.`);
}
