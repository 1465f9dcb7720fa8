import { formatPath, type ConfigIssue, type PathSegment } from '../../config/config-issue.ts';
import type { ForeignFormat, ForeignSource, ImportEntry } from '../foreign-format.ts';
import { literal } from '../literal.ts';
import { configFileSchema, corralServerKeys, type ConfigFile, type ConfigFileModel } from './config-file.ts';

/** Reads the `config.json` of llama_cpp_router. */
export const llamaCppRouterFormat: ForeignFormat = {
  name: 'llama_cpp_router',
  mark: '`models.*.modelFilePath` or `system.llamaServer` (llama_cpp_router)',
  detect: ({ value }) =>
    asGroup(asGroup(value)['system'])['llamaServer'] !== undefined ||
    Object.values(asGroup(asGroup(value)['models'])).some((model) => asGroup(model)['modelFilePath'] !== undefined),
  read(source) {
    const parsed = configFileSchema.safeParse(source.value);
    const errors = parsed.success
      ? []
      : source.value === undefined && source.syntaxErrors.length > 0
        ? source.syntaxErrors
        : parsed.error.issues.map((issue) => ({ path: dotted(issue.path), message: issue.message }));
    if (!parsed.success) return { ok: false, errors, say: sayErrors(source, errors) };
    const { native, report } = translate(parsed.data, asGroup(source.value));
    return { ok: true, native, document: parsed.data, report };
  },
};

/** As the program prints it: `path: message` lines. */
function sayErrors(source: ForeignSource, errors: readonly ConfigIssue[]): string {
  const lines = errors.map(({ path, message, line }) => {
    const where = path === '' && line !== undefined ? `line ${line}` : path;
    return where === '' ? message : `${where}: ${message}`;
  });
  return [`Config validation error in "${source.fileName}":`, ...lines].join('\n');
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

function translate(
  file: ConfigFile,
  written: Readonly<Record<string, unknown>>,
): { native: Record<string, unknown>; report: ImportEntry[] } {
  const report: ImportEntry[] = [];
  const isWritten = (segments: readonly PathSegment[]): boolean => valueAt(written, segments) !== undefined;
  const tell = (
    outcome: ImportEntry['outcome'],
    segments: readonly PathSegment[],
    note: string,
    to?: readonly PathSegment[],
  ): void => {
    // A default of the program is carried over without a word: nobody wrote it.
    if (!isWritten(segments)) return;
    const target = to === undefined ? {} : { to: formatPath(to) };
    report.push({ path: formatPath(segments), outcome, note, ...target });
  };
  const mapped = (segments: readonly PathSegment[], to: readonly PathSegment[]): void =>
    tell('mapped', segments, formatPath(to), to);

  const ttl = `${Math.max(1, Math.round(file.unloadDuration * 60))}s`;
  if (file.unloadDuration * 60 >= 1) mapped(['unloadDuration'], ['defaults', 'ttl']);
  else tell('approximated', ['unloadDuration'], 'unloads after a second without requests', ['defaults', 'ttl']);

  const maxLoaded = file.concurrentModels > 0 ? { maxLoaded: file.concurrentModels } : {};
  if (file.concurrentModels > 0) mapped(['concurrentModels'], ['memory', 'maxLoaded']);
  else tell('mapped', ['concurrentModels'], 'no limit on the count: memory.maxLoaded is left out');

  const { llamaServer } = file.system;
  const hasPath = /[\\/]/.test(llamaServer);
  if (hasPath) mapped(['system', 'llamaServer'], ['engine', 'path']);
  else {
    const isUsual = llamaServer === 'llama-server';
    tell(
      isUsual ? 'mapped' : 'approximated',
      ['system', 'llamaServer'],
      'engine.path: auto, which looks for llama-server on PATH',
      ['engine', 'path'],
    );
  }
  tell('approximated', ['system', 'ggufParser'], 'not run: Corral reads GGUF files itself to know what a model needs');
  tell('approximated', ['system', 'rocmSmi'], 'Corral finds the tools of every vendor itself');

  mapped(['server', 'hostname'], ['listeners', 0, 'host']);
  mapped(['server', 'port'], ['listeners', 0, 'port']);
  mapped(['owner'], ['listeners', 0, 'options', 'owner']);
  const server: Record<string, unknown> = {};
  for (const key of corralServerKeys) {
    if (file.server[key] === undefined) continue;
    server[key] = file.server[key];
    mapped(['server', key], ['server', key]);
  }

  const models: [string, Record<string, unknown>][] = Object.entries(file.models).map(([id, model]) => {
    reportModel(id, model, { tell, mapped });
    return [id, nativeModel(model)];
  });

  return {
    native: {
      ...(Object.keys(server).length === 0 ? {} : { server }),
      engine: { path: hasPath ? literal(llamaServer) : 'auto' },
      defaults: { ttl },
      memory: maxLoaded,
      models: Object.fromEntries(models),
      listeners: [
        {
          dialect: 'llama_cpp_router',
          host: file.server.hostname,
          port: file.server.port,
          options: { owner: literal(file.owner) },
        },
      ],
    },
    report,
  };
}

/** In the program's own order: what it gives llama-server besides what Corral gives it anyway. */
function nativeModel(model: ConfigFileModel): Record<string, unknown> {
  const { common, sampling } = model;
  return {
    file: literal(model.modelFilePath),
    ...(model.multimodalProjectorFilePath === null ? {} : { mmproj: literal(model.multimodalProjectorFilePath) }),
    contextSize: common.contextSize,
    gpuLayers: common.nGpuLayers < 0 ? 'all' : common.nGpuLayers,
    kvCacheType: common.cacheType,
    ...(model.embeddings ? { embeddings: true, pooling: model.pooling } : {}),
    ...(model.unloadable ? {} : { pinned: true }),
    args: [
      '--flash-attn',
      common.flashAttention ? 'on' : 'off',
      '--threads',
      String(common.threads),
      ...(common.noMmap ? ['--no-mmap'] : []),
      ...(common.jinja ? ['--jinja'] : []),
      ...['--temp', String(sampling.temperature)],
      ...['--top-k', String(sampling.topK)],
      ...['--top-p', String(sampling.topP)],
      ...['--min-p', String(sampling.minP)],
      ...['--repeat-penalty', String(sampling.repeatPenalty)],
      ...['--mirostat', String(sampling.mirostat)],
    ],
  };
}

function reportModel(
  id: string,
  model: ConfigFileModel,
  {
    tell,
    mapped,
  }: {
    tell(
      outcome: ImportEntry['outcome'],
      segments: readonly PathSegment[],
      note: string,
      to?: readonly PathSegment[],
    ): void;
    mapped(segments: readonly PathSegment[], to: readonly PathSegment[]): void;
  },
): void {
  const from = (...rest: PathSegment[]): PathSegment[] => ['models', id, ...rest];
  mapped(from('modelFilePath'), from('file'));
  mapped(from('multimodalProjectorFilePath'), from('mmproj'));
  tell('mapped', from('unloadable'), model.unloadable ? 'pinned: false, the default' : 'pinned: true', from('pinned'));
  mapped(from('embeddings'), from('embeddings'));
  if (model.embeddings) mapped(from('pooling'), from('pooling'));
  else tell('mapped', from('pooling'), 'without a meaning unless embeddings is true, there as here');
  tell('mapped', from('common', 'cacheType'), 'kvCacheType, for keys and values', from('kvCacheType'));
  mapped(from('common', 'contextSize'), from('contextSize'));
  mapped(from('common', 'nGpuLayers'), from('gpuLayers'));
  const flags = {
    common: { threads: '--threads', noMmap: '--no-mmap', flashAttention: '--flash-attn', jinja: '--jinja' },
    sampling: {
      temperature: '--temp',
      topK: '--top-k',
      topP: '--top-p',
      minP: '--min-p',
      repeatPenalty: '--repeat-penalty',
      mirostat: '--mirostat',
    },
  };
  for (const [group, names] of Object.entries(flags)) {
    for (const [key, flag] of Object.entries(names)) tell('mapped', from(group, key), `args: ${flag}`, from('args'));
  }
  tell('approximated', from('network'), 'Corral chooses the address of the process itself, and passes no port on');
}

function valueAt(value: unknown, segments: readonly PathSegment[]): unknown {
  return segments.reduce<unknown>((at, segment) => asGroup(at)[String(segment)], value);
}

function asGroup(value: unknown): Readonly<Record<string, unknown>> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? (value as Readonly<Record<string, unknown>>) : {};
}
