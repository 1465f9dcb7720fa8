import type { CatalogBuild, CatalogModel, CatalogView } from '#shared/contract/catalog.ts';
import type { ModelOrigin } from '#shared/contract/snapshot.ts';
import { toAppError } from '#shared/contract/errors.ts';
import type { PulledFiles } from './catalog/downloads/pulled-files.ts';
import type { GgufMetadataReader } from './catalog/gguf-metadata.ts';
import type { ModelMetadata } from './catalog/gguf-model-metadata.ts';
import type { FileModelConfig, ModelConfig } from './config/resolved-config.ts';
import type { CapabilitiesReader } from './llama/capabilities-reader.ts';
import type { ListedBuild } from './runtimes/list-builds.ts';
import type { Engines } from './runtimes/engines.ts';

export interface CatalogOptions {
  readonly metadata: Pick<GgufMetadataReader, 'read'>;
  readonly engines: Pick<Engines, 'status' | 'list'>;
  readonly capabilities: Pick<CapabilitiesReader, 'known'>;
  readonly pulled: Pick<PulledFiles, 'has'>;
  models(): ReadonlyMap<string, ModelConfig>;
  originOf(modelId: string): ModelOrigin;
}

/** What is known of model files and llama.cpp builds on this machine. A file that cannot be read is told, not thrown. */
export function createCatalog(options: CatalogOptions): { read(signal: AbortSignal): Promise<CatalogView> } {
  const { metadata, engines, capabilities } = options;

  async function describeModel(model: FileModelConfig, signal: AbortSignal): Promise<CatalogModel> {
    const origin = options.originOf(model.id);
    const [file, projector, isPulled] = await Promise.all([
      readMetadata(model.file, signal),
      model.mmproj === undefined ? undefined : readMetadata(model.mmproj, signal),
      options.pulled.has(model.file),
    ]);
    const known = 'metadata' in file ? file.metadata : null;
    const problems = [file, projector].flatMap((each) =>
      each !== undefined && 'problem' in each ? [each.problem] : [],
    );
    if (known?.kind === 'projector' || known?.kind === 'adapter') problems.push(`${model.file} ${isPart[known.kind]}`);
    if (projector !== undefined && 'metadata' in projector && projector.metadata.kind !== 'projector') {
      problems.push(`${model.mmproj ?? ''} is no projector; \`mmproj\` takes the projector of this model.`);
    }
    return {
      id: model.id,
      isDemo: origin === 'demo',
      origin,
      canDelete: isPulled && origin !== 'config',
      file: model.file,
      mmproj: model.mmproj ?? null,
      metadata: known === null ? null : metadataView(known),
      problem: problems.length === 0 ? null : problems.join(' '),
    };
  }

  async function readMetadata(
    file: string,
    signal: AbortSignal,
  ): Promise<{ metadata: ModelMetadata } | { problem: string }> {
    try {
      return { metadata: await metadata.read(file, signal) };
    } catch (thrown) {
      signal.throwIfAborted();
      return { problem: toAppError(thrown).message };
    }
  }

  /** What a build calls itself, if it was run before and said so. */
  function versionOf(executable: string): string | undefined {
    const version = capabilities.known(executable)?.version;
    return version === 'unknown' ? undefined : version;
  }

  function describeBuild({ build, marker }: ListedBuild): CatalogBuild {
    const status = engines.status();
    return {
      ...build,
      version: versionOf(build.executable) ?? marker?.version ?? null,
      source: marker?.source ?? null,
      installedAt: marker?.installedAtMs ?? null,
      isInUse: status.status === 'ready' && status.build.executable === build.executable,
    };
  }

  return {
    async read(signal) {
      const files = [...options.models().values()].filter((model) => model.kind === 'file');
      const [models, builds] = await Promise.all([
        Promise.all(files.map((model) => describeModel(model, signal))),
        engines.list(),
      ]);
      return { models, builds: builds.map(describeBuild) };
    },
  };
}

const isPart = {
  projector: 'is a projector, and no model: it belongs under `mmproj` of a model.',
  adapter: 'is an adapter, and no model: it is given to a model with `--lora` in its `args`.',
} as const;

function metadataView(metadata: ModelMetadata): NonNullable<CatalogModel['metadata']> {
  const { architecture, kind, quantization, fileBytes, partCount, trainedContextSize } = metadata;
  return {
    name: metadata.name ?? null,
    architecture,
    kind,
    quantization,
    fileBytes,
    partCount,
    layerCount: metadata.layers.length,
    trainedContextSize,
  };
}
