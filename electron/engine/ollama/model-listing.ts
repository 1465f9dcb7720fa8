import { createHash } from 'node:crypto';
import type { ModelView } from '#shared/contract/snapshot.ts';
import type { ModelKeys } from '../catalog/gguf-model-file.ts';
import type { ModelMetadata } from '../catalog/gguf-model-metadata.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import { RAM } from '../memory/device-facts.ts';
import type { JsonObject } from './request-fields.ts';

/** Models as Ollama's lists show them. Pure. */

export interface ListedModel {
  readonly config: ModelConfig;
  readonly view: ModelView;
  /** Undefined for a command, and for a file that cannot be read. */
  readonly metadata: ModelMetadata | undefined;
  readonly modifiedAtMs: number;
  /** Idle time before it is unloaded; 0 means never. */
  readonly ttlMs: number;
}

/** Ollama's names always have a tag; requests may leave `:latest` away. */
export function taggedName(modelId: string): string {
  return modelId.slice(modelId.lastIndexOf('/') + 1).includes(':') ? modelId : `${modelId}:latest`;
}

/** `GET /api/tags` */
export function describeListed(model: ListedModel): JsonObject {
  const name = taggedName(model.config.id);
  return {
    name,
    model: name,
    modified_at: new Date(model.modifiedAtMs).toISOString(),
    size: model.metadata?.fileBytes ?? 0,
    digest: digestOf(model),
    details: detailsOf(model.metadata),
  };
}

/** `GET /api/ps` */
export function describeLoaded(model: ListedModel, nowWallMs: number): JsonObject {
  const { view } = model;
  const name = taggedName(model.config.id);
  const sizes = Object.entries(view.reservedBytes);
  const sum = (those: typeof sizes): number => those.reduce((total, [, bytes]) => total + bytes, 0);
  const size = sum(sizes);
  return {
    name,
    model: name,
    // Where nothing measures memory, the file is the best guess.
    size: size > 0 ? size : (model.metadata?.fileBytes ?? 0),
    digest: digestOf(model),
    details: detailsOf(model.metadata),
    expires_at: new Date(expiresAtMs(model, nowWallMs)).toISOString(),
    size_vram: sum(sizes.filter(([device]) => device !== RAM)),
    ...(view.contextSize === null ? {} : { context_length: view.contextSize }),
  };
}

/** Ollama too writes a date far away for what stays for good. */
const NEVER_MS = Date.UTC(2318, 0, 1);

function expiresAtMs({ view, ttlMs }: ListedModel, nowWallMs: number): number {
  if (view.isPinned || ttlMs === 0) return NEVER_MS;
  const isBusy = view.activeRequests + view.waitingRequests > 0;
  return (isBusy ? nowWallMs : Math.max(view.lastUsedAt ?? 0, view.stateSince)) + ttlMs;
}

export function detailsOf(metadata: ModelMetadata | undefined): JsonObject {
  const family = metadata?.architecture ?? '';
  return {
    parent_model: '',
    format: metadata === undefined ? '' : 'gguf',
    family,
    families: family === '' ? null : [family],
    parameter_size: metadata === undefined ? '' : parameterSize(metadata.parameterCount),
    quantization_level: metadata?.quantization.toUpperCase() ?? '',
  };
}

/** `8.0B` is written `8B`, as Ollama does. */
export function parameterSize(count: number): string {
  const units = [
    [1e9, 'B', 1],
    [1e6, 'M', 2],
    [1e3, 'K', 0],
  ] as const;
  for (const [size, letter, digits] of units) {
    if (count < size) continue;
    const amount = count / size;
    return `${Number.isInteger(amount) ? amount.toFixed(0) : amount.toFixed(digits)}${letter}`;
  }
  return String(count);
}

/** Of the file as Corral knows it, which is of its header and of samples; of a command, its name's. */
function digestOf({ config, metadata }: ListedModel): string {
  return metadata?.fingerprint ?? createHash('sha256').update(config.id).digest('hex');
}

/** `POST /api/show` */
export function describeShown(model: ListedModel, keys: ModelKeys | undefined, isVerbose: boolean): JsonObject {
  const template = keys?.values['tokenizer.chat_template'];
  const license = keys?.values['general.license'];
  const parameters = parameterLines(model);
  const { config, metadata } = model;
  return {
    ...(typeof license === 'string' ? { license } : {}),
    modelfile: modelfile(model, parameters),
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(formatParameter).join('\n') }),
    template: typeof template === 'string' ? template : '',
    details: detailsOf(metadata),
    model_info: modelInfo(metadata, keys, isVerbose),
    capabilities: capabilitiesOf(config, metadata, keys),
    modified_at: new Date(model.modifiedAtMs).toISOString(),
  };
}

/** In Ollama's words, what the configuration sets for every request. */
function parameterLines({ config, view }: ListedModel): readonly (readonly [name: string, value: unknown])[] {
  const set = Object.entries(config.filters?.set ?? {}).filter(([, value]) => typeof value !== 'object');
  const named = set.map(([name, value]) => [name === 'max_tokens' ? 'num_predict' : name, value] as const);
  const contextSize = view.contextSize ?? (config.kind === 'file' ? config.contextSize : undefined);
  return contextSize === undefined ? named : [['num_ctx', contextSize], ...named];
}

function formatParameter([name, value]: readonly [string, unknown]): string {
  return `${name.padEnd(30)} ${JSON.stringify(value)}`;
}

function modelfile({ config }: ListedModel, parameters: ReturnType<typeof parameterLines>): string {
  // The folder is nobody's business who may only ask the model.
  const from = config.kind === 'file' ? (config.file.split(/[\\/]/).at(-1) ?? config.id) : config.id;
  const lines = parameters.map(([name, value]) => `PARAMETER ${name} ${JSON.stringify(value)}`);
  return ['# Made by Corral from its configuration', `FROM ${from}`, ...lines].join('\n');
}

/** Shown by fields of their own. */
const shownElsewhere: ReadonlySet<string> = new Set(['general.name', 'tokenizer.chat_template']);

/** What stands in the file's header. Lists are left out, as null, unless asked for; and those longer than Corral keeps. */
function modelInfo(metadata: ModelMetadata | undefined, keys: ModelKeys | undefined, isVerbose: boolean): JsonObject {
  if (keys === undefined) return {};
  const info = new Map<string, unknown>();
  for (const [key, value] of Object.entries(keys.values)) if (!shownElsewhere.has(key)) info.set(key, value);
  for (const key of Object.keys(keys.listLengths)) info.set(key, isVerbose ? (keys.lists[key] ?? null) : null);
  if (metadata !== undefined) info.set('general.parameter_count', metadata.parameterCount);
  return Object.fromEntries([...info].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Tokens between which a model fills in (llama.cpp: src/llama-vocab.cpp). */
const fillInKeys = /^tokenizer\.ggml\.(fim_pre|prefix)_token_id$/;

export function capabilitiesOf(
  config: ModelConfig,
  metadata: ModelMetadata | undefined,
  keys: ModelKeys | undefined,
): readonly string[] {
  const isEmbedding = (config.kind === 'file' && config.embeddings) || metadata?.kind === 'embedding';
  if (isEmbedding) return ['embedding'];
  const given = keys?.values['tokenizer.chat_template'];
  const template = typeof given === 'string' ? given : '';
  const found: readonly (readonly [name: string, isThere: boolean])[] = [
    ['completion', true],
    ['vision', config.kind === 'file' && config.mmproj !== undefined],
    // How llama.cpp tells, too: a template that mentions neither has no use for them.
    ['tools', /\btools\b/.test(template)],
    ['insert', Object.keys(keys?.values ?? {}).some((key) => fillInKeys.test(key))],
    ['thinking', /<think>|enable_thinking|reasoning_effort|\bthinking\b/.test(template)],
  ];
  return found.filter(([, isThere]) => isThere).map(([name]) => name);
}
