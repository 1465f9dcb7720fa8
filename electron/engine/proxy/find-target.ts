import type { IncomingMessage } from 'node:http';
import { AppError } from '#shared/contract/errors.ts';
import type { FilterConfig } from '../config/resolved-config.ts';
import type { ResolvedName } from '../model-table.ts';
import type { Lease } from '../scheduler/lease.ts';
import { findConversationModel, goneConversation, type Conversations } from './conversations.ts';
import { filterBody, parseJsonObject } from './filter-body.ts';
import { checkJsonBody, findRequestedModel } from './find-model.ts';
import { checkLaneModel, type Lane } from './guards.ts';
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
  /** For a request in another API's words; undefined where bytes go on as they came. */
  readonly translated?: TranslatedRequest | undefined;
}

export interface TargetSources {
  resolveModel(name: string): ResolvedName | undefined;
  knownModels(): readonly string[];
  filtersOf(modelId: string): FilterConfig | undefined;
  /** The way to a model's process that counts as no use of it; undefined unless it is ready. */
  peek(modelId: string): Lease | undefined;
  /** What the address itself asks of a model before a request goes to it. */
  checkTarget?(modelId: string, route: InferenceRoute, request: IncomingMessage): AppError | undefined;
  /** Shared by all addresses. */
  readonly conversations: Conversations;
}

/** A request's target, split once. */
export interface RequestUrl {
  readonly pathname: string;
  /** With its question mark, or empty. */
  readonly search: string;
}

/** Throws `invalid-request` and `model-missing` for a body that does not say what it should, `not-found`. */
export async function findTarget(
  sources: TargetSources,
  { route, request, url: { pathname, search } }: { route: InferenceRoute; request: IncomingMessage; url: RequestUrl },
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
    const known = sources.knownModels().filter((modelId) => checkLaneModel(lane, modelId) === undefined);
    throw unknownModel(requested.name, known);
  }
  const refused = sources.checkTarget?.(resolved.modelId, route, request);
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
    body: canFilter ? filterBody(body, filters) : body,
    mayNameMedia: requested.mayNameMedia,
  };
}

/**
 * The same for a request that a model's server gets in its own words. Its body is JSON, whatever its content type says:
 * that is how Ollama reads it, and pages of other sites are kept out by their origin.
 */
export function findTranslatedTarget(
  sources: TargetSources,
  { route, request, translate }: { route: InferenceRoute; request: IncomingMessage; translate: Translate },
  body: Buffer | undefined,
): Target {
  const bytes = body ?? Buffer.alloc(0);
  const { model: asked } = checkJsonBody(bytes);
  if (asked === undefined || asked === '') throw new AppError('model-missing', 'model is required');
  const found = resolveTagged(asked, sources.resolveModel);
  if (found === undefined) throw untaggedUnknown(asked);
  const { modelId, setName } = found.resolved;
  const refused = sources.checkTarget?.(modelId, route, request);
  if (refused !== undefined) throw refused;
  const translated = translate(parseJsonObject(bytes), { asked, model: found.name });
  const { kind, isStreaming } = translated;
  // Pictures come within the request, never by their address.
  const plainly = { canComment: false, canStart: true, mayNameMedia: false };
  const common = { modelId, setName, isStreaming, ...plainly, translated };
  if (kind !== 'forward') return { ...common, path: '', body: undefined };
  const plain = Buffer.from(JSON.stringify(translated.body));
  const filters = sources.filtersOf(modelId);
  return { ...common, path: translated.path, body: filters === undefined ? plain : filterBody(plain, filters) };
}

const DEFAULT_TAG = ':latest';

/** Ollama's clients write `name:latest` for `name`. A model that has that very name comes first. */
export function resolveTagged<Resolved>(
  asked: string,
  resolve: (name: string) => Resolved | undefined,
): { readonly name: string; readonly resolved: Resolved } | undefined {
  const names = asked.endsWith(DEFAULT_TAG) ? [asked, asked.slice(0, -DEFAULT_TAG.length)] : [asked];
  for (const name of names) {
    const resolved = resolve(name);
    if (resolved !== undefined) return { name, resolved };
  }
  return undefined;
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
