import { createHash } from 'node:crypto';
import type { GgufMetadataReader } from '../catalog/gguf-metadata.ts';
import type { ModelMetadata } from '../catalog/gguf-model-metadata.ts';
import type { FileModelConfig, ModelConfig } from '../config/resolved-config.ts';
import type { LlamaCapabilities } from '../llama/capabilities.ts';
import { buildLlamaCommandLine } from '../llama/command-line.ts';
import type { Logger } from '../ports/logger.ts';
import type { EngineBuild } from '../runtimes/engine-build.ts';
import type { DeviceFacts, ModelNeed } from './device-facts.ts';
import { estimateNeed, type DeviceNeed, type NeedOptions } from './estimate-need.ts';
import type { LearnedNeeds } from './learned-needs.ts';
import { lookUpNeed } from './look-up-need.ts';
import type { NeedCircumstances } from './need-key.ts';
import { automaticContexts, modelNeed } from './model-need.ts';
import { readNeedArgs } from './need-args.ts';
import { fitsAlone } from './placement.ts';

export interface FoundNeed {
  readonly need: ModelNeed;
  /** What the estimate said, device by device; empty for a command. */
  readonly predicted: readonly DeviceNeed[];
  readonly circumstances: NeedCircumstances;
  /** Median of the last loads; undefined if there were none. */
  readonly expectedLoadMs: number | undefined;
  /** Of the model's files; 0 if that is not known. */
  readonly weightsBytes: number;
}

export interface NeedFinderOptions {
  readonly metadata: GgufMetadataReader;
  readonly learned: LearnedNeeds;
  readonly logger: Logger;
  devices(): readonly DeviceFacts[];
  /** The llama-server that would run it; undefined while it is still being fetched. */
  findBuild(): Promise<EngineBuild | undefined>;
  readCapabilities(executable: string): Promise<LlamaCapabilities>;
}

/**
 * What a model needs as it is configured, on the devices there are: as measured before, else as forecast, else estimated
 * from its file. A context that is left to Corral is the largest that fits. Undefined if nobody can tell; never rejects.
 */
export function createNeedFinder(options: NeedFinderOptions): (model: ModelConfig) => Promise<FoundNeed | undefined> {
  const { metadata, learned, logger } = options;

  async function findFileNeed(model: FileModelConfig): Promise<FoundNeed | undefined> {
    const build = await options.findBuild();
    if (build === undefined) return undefined;
    const [described, projector, capabilities] = await Promise.all([
      metadata.read(model.file),
      model.mmproj === undefined ? undefined : metadata.read(model.mmproj),
      options.readCapabilities(build.executable),
    ]);
    const accelerators = options
      .devices()
      .filter(({ kind, id }) => kind !== 'ram' && (model.devices.length === 0 || model.devices.includes(id)))
      .map(({ id }) => id);
    const contexts = automaticContexts(model, described.trainedContextSize);
    let found = needWith(contexts[0]);
    for (const contextSize of contexts.slice(1)) {
      if (fitsAlone(found.need, options.devices())) break;
      found = needWith(contextSize);
    }
    return found;

    function isLocal(device: string): boolean {
      return model.rpc.length === 0 || !/^RPC\d+$/.test(device);
    }

    function needWith(contextSize: number | undefined): FoundNeed {
      const listen = { kind: 'socket', path: '' } as const;
      const { args } = buildLlamaCommandLine({ model, listen, capabilities, contextSize });
      const circumstances: NeedCircumstances = {
        fingerprint: described.fingerprint,
        projectorFingerprint: projector?.fingerprint,
        args,
        devices: accelerators,
        buildId: build?.id ?? '',
      };
      const estimate = (gpus: readonly string[]): readonly DeviceNeed[] =>
        estimateFor(model, described, projector, contextSize, gpus);
      const predicted = estimate(accelerators.slice(0, 1));
      const known = lookUpNeed(learned.lookUp(circumstances), predicted);
      // The part of this machine is known once it was measured; an estimate would count what the workers take, too.
      const isUnknown = model.rpc.length > 0 && known.source === 'estimate';
      const perDevice = isUnknown ? [] : known.perDevice.filter(({ device }) => isLocal(device));
      return {
        need: modelNeed({
          model,
          source: isUnknown ? 'unknown' : known.source,
          perDevice,
          onProcessor: model.rpc.length > 0 || accelerators.length === 0 ? perDevice : estimate([]),
          spread:
            accelerators.length < 2 || model.rpc.length > 0
              ? undefined
              : { one: predicted, two: estimate(accelerators.slice(0, 2)) },
          contextSize: model.contextSize === undefined ? contextSize : undefined,
        }),
        predicted,
        circumstances,
        expectedLoadMs: known.expectedLoadMs,
        weightsBytes: described.fileBytes + (projector?.fileBytes ?? 0),
      };
    }
  }

  /** A command is known by its words; what it takes is learned. */
  function findCommandNeed(model: Extract<ModelConfig, { kind: 'command' }>): FoundNeed | undefined {
    const circumstances = commandCircumstances(model);
    const known = learned.lookUp(circumstances);
    const perDevice = known?.measured ?? [];
    return {
      need: modelNeed({
        model,
        source: known === undefined ? 'unknown' : 'measured',
        perDevice,
        onProcessor: perDevice,
      }),
      predicted: [],
      circumstances,
      expectedLoadMs: lookUpNeed(known, []).expectedLoadMs,
      weightsBytes: 0,
    };
  }

  return async (model) => {
    try {
      return model.kind === 'file' ? await findFileNeed(model) : findCommandNeed(model);
    } catch (thrown) {
      // The start says it better, to whoever asked for the model.
      logger.log('debug', `What ${model.id} needs cannot be told: ${(thrown as Error).message}`, { model: model.id });
      return undefined;
    }
  };
}

function commandCircumstances(model: Extract<ModelConfig, { kind: 'command' }>): NeedCircumstances {
  const digest = createHash('sha256')
    .update(JSON.stringify([model.command, model.cwd, model.env]))
    .digest('hex');
  return { fingerprint: digest, projectorFingerprint: undefined, args: [], devices: [], buildId: '' };
}

function estimateFor(
  model: FileModelConfig,
  described: ModelMetadata,
  projector: ModelMetadata | undefined,
  contextSize: number | undefined,
  gpus: readonly string[],
): readonly DeviceNeed[] {
  const base: NeedOptions = {
    contextSize,
    slots: model.parallel,
    isKvUnified: undefined,
    batchSize: undefined,
    microBatchSize: undefined,
    hasEmbeddings: model.embeddings || model.rerank,
    isWindowFull: false,
    keyCacheType: model.kvCacheType,
    valueCacheType: model.kvCacheType,
    gpuLayers: model.gpuLayers,
    flashAttention: 'auto',
    isPooled: model.pooling !== 'none',
    gpus: gpus.map((name) => ({ name, share: 1 })),
    cpuExpertLayers: 0,
    isMemoryMapped: true,
  };
  return estimateNeed(described, projector, { ...base, ...readNeedArgs(model.args) }).perDevice;
}
