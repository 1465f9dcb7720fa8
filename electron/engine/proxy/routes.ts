import type { SeedName } from '../dialects/dialect-names.ts';
import { ollamaTranslations } from '../ollama/translations.ts';
import type { Translate } from './translation.ts';

/** Which client reads the answer; decides the shape of errors. */
export type ApiFamily = 'openai' | 'anthropic' | 'ollama' | SeedName;

export interface InferenceRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A path as Express 5 understands it. */
  readonly path: string;
  readonly family: ApiFamily;
  /**
   * `body`: the model is named in the body (or, failing that, in `?model=`); `query`: in `?model=` only; `conversation`: it
   * is the one whose process has the conversation of `?conv_id=`.
   */
  readonly modelFrom: 'body' | 'query' | 'conversation';
  /** False for routes that tell about a loaded model and must not load one. */
  readonly canStart: boolean;
  /** Whether `"stream": true` in a JSON body makes the answer a stream of server-sent events. */
  readonly canStreamEvents: boolean;
  /** For routes that no model's server has: what they are in the words of one. */
  readonly translate?: Translate;
}

const post = (path: string, family: ApiFamily = 'openai'): InferenceRoute => ({
  method: 'POST',
  path,
  family,
  modelFrom: 'body',
  canStart: true,
  canStreamEvents: false,
});

const streaming = (path: string, family?: ApiFamily): InferenceRoute => ({
  ...post(path, family),
  canStreamEvents: true,
});

const translated = (path: string, family: ApiFamily, translate: Translate): InferenceRoute => ({
  ...post(path, family),
  translate,
});

const ofLoaded = (method: 'GET' | 'POST', path: string): InferenceRoute => ({
  method,
  path,
  family: 'openai',
  modelFrom: 'query',
  canStart: false,
  canStreamEvents: false,
});

const ofConversation = (method: 'GET' | 'DELETE', path: string): InferenceRoute => ({
  ...ofLoaded('GET', path),
  method,
  modelFrom: 'conversation',
});

export function familyOf(pathname: string): ApiFamily {
  if (pathname.startsWith('/v1/messages')) return 'anthropic';
  return pathname.startsWith('/api/') ? 'ollama' : 'openai';
}

/** The row for a method and path, one trailing slash allowed; undefined if there is none. */
export function findInferenceRoute(asked: string, pathname: string): InferenceRoute | undefined {
  // RFC 9110: HEAD is GET without the body, which Node leaves out by itself.
  const method = asked === 'HEAD' ? 'GET' : asked;
  const plain = pathname.length > 1 && pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
  // Two looks at names that are there already cost less than one at a name put together.
  const ofMethod = routesByMethod.get(method);
  const exact = ofMethod?.get(plain);
  if (exact !== undefined) return exact;
  return method === 'POST' && /^\/slots\/[^/]+$/.test(plain) ? ofMethod?.get('/slots/:slot') : undefined;
}

/**
 * Everything that is passed on to a model's process, in one table. Source: llama.cpp, tools/server/README.md, and the
 * OpenAI routes that other servers behind a custom command may have. `/tools` and `/cors-proxy` give away a shell and the
 * network and are not here on purpose.
 */
export const inferenceRoutes: readonly InferenceRoute[] = [
  streaming('/v1/chat/completions'),
  streaming('/chat/completions'),
  post('/v1/chat/completions/input_tokens'),
  post('/chat/completions/input_tokens'),
  { ...post('/v1/chat/completions/control'), canStart: false },
  streaming('/v1/completions'),
  streaming('/v1/responses'),
  streaming('/responses'),
  post('/v1/responses/input_tokens'),
  post('/responses/input_tokens'),
  ofConversation('GET', '/v1/stream'),
  ofConversation('DELETE', '/v1/stream'),
  { ...post('/v1/streams/lookup'), canStart: false },
  post('/v1/embeddings'),
  post('/v1/audio/transcriptions'),
  post('/audio/transcriptions'),
  post('/v1/audio/translations'),
  post('/audio/translations'),
  post('/v1/audio/speech'),
  post('/audio/speech'),
  post('/v1/images/generations'),
  post('/images/generations'),
  post('/v1/images/edits'),
  post('/images/edits'),
  post('/v1/images/variations'),
  post('/images/variations'),
  post('/v1/rerank'),
  post('/v1/reranking'),
  post('/rerank'),
  post('/reranking'),
  streaming('/v1/messages', 'anthropic'),
  post('/v1/messages/count_tokens', 'anthropic'),
  streaming('/completion'),
  streaming('/completions'),
  streaming('/infill'),
  post('/embedding'),
  post('/embeddings'),
  post('/tokenize'),
  post('/detokenize'),
  post('/apply-template'),
  ofLoaded('GET', '/props'),
  ofLoaded('POST', '/props'),
  ofLoaded('GET', '/slots'),
  ofLoaded('POST', '/slots/:slot'),
  ofLoaded('GET', '/lora-adapters'),
  ofLoaded('POST', '/lora-adapters'),
  ...Object.entries(ollamaTranslations).map(([path, translate]) => translated(path, 'ollama', translate)),
];

const routesByMethod: ReadonlyMap<string, ReadonlyMap<string, InferenceRoute>> = new Map(
  (['GET', 'POST', 'DELETE'] as const).map((method) => [
    method,
    new Map(inferenceRoutes.filter((route) => route.method === method).map((route) => [route.path, route])),
  ]),
);
