import type { DeletedModel } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { ModelOrigin } from '#shared/contract/snapshot.ts';
import type { DeletePlan, FileUse, PulledFiles } from './catalog/downloads/pulled-files.ts';
import type { ModelConfig } from './config/resolved-config.ts';
import type { ModelTable } from './model-table.ts';
import type { Logger } from './ports/logger.ts';
import { resolveTagged, unknownModel } from './proxy/find-target.ts';
import type { Scheduler } from './scheduler/scheduler-contract.ts';

export interface ModelDeletesOptions {
  readonly logger: Logger;
  readonly pulled: PulledFiles;
  table(): ModelTable;
  originOf(modelId: string): ModelOrigin;
  readonly ejectModel: Scheduler['eject'];
  /** Looks again for models; what is gone is listed no more when it resolves. */
  rescan(): Promise<unknown>;
}

/**
 * Deletes a model that Corral downloaded, by any of its names, once its running requests are answered. Throws `not-found`, and
 * `conflict` for a model that is somebody else's, or is needed. `signal` ends the wait, and then nothing is deleted.
 */
export type DeleteModel = (name: string, signal: AbortSignal) => Promise<DeletedModel>;

export function createModelDeletes({ logger, pulled, ...options }: ModelDeletesOptions): DeleteModel {
  async function makePlan(modelId: string): Promise<DeletePlan> {
    const { models } = options.table();
    const model = models.get(modelId);
    if (model === undefined) throw unknownModel(modelId, [...models.keys()]);
    const origin = options.originOf(modelId);
    if (model.kind === 'command' || origin === 'config') {
      const isPulled = model.kind === 'file' && (await pulled.has(model.file));
      throw refusal(modelId, configured(model, isPulled));
    }
    const plan = await pulled.plan(model, usesOf([...models.values()].filter(({ id }) => id !== modelId)));
    if (plan === undefined) throw refusal(modelId, notOurs[origin](model.file));
    return plan;
  }

  return async (name, signal) => {
    const { models, resolve } = options.table();
    const modelId = resolveTagged(name, resolve)?.resolved.modelId;
    if (modelId === undefined) throw unknownModel(name, [...models.keys()]);
    // Before anything is ejected for nothing.
    await makePlan(modelId);
    await options.ejectModel(modelId, 'when-idle', signal);
    signal.throwIfAborted();
    // That may have taken a while, in which others did something with the files.
    const plan = await makePlan(modelId);
    await pulled.delete(plan);
    await options.rescan();
    logger.log('info', `Model "${modelId}" was deleted: ${plan.links.join(', ')}`);
    return { model: modelId, files: [...plan.links], freedBytes: plan.freedBytes };
  };
}

function refusal(modelId: string, why: string): AppError {
  return new AppError('conflict', `"${modelId}" is not deleted: ${why}`);
}

const ONLY_OWN = 'Corral deletes only what it downloaded itself.';

function configured(model: ModelConfig, isPulled: boolean): string {
  if (model.kind === 'command') {
    return `it is a command in the configuration, with no file that Corral downloaded. Take it out of \`models\` instead.`;
  }
  if (isPulled) {
    return `it is in the configuration, with ${model.file}. Take it out of \`models\` there; then it can be deleted.`;
  }
  return `it is in the configuration, and its file ${model.file} is your own. ${ONLY_OWN} Take it out of \`models\`, and delete the file yourself.`;
}

/** What else there is, where it lies, and how to get rid of it. */
const notOurs: Readonly<Record<ModelOrigin, (file: string) => string>> = {
  config: (file) => `its file ${file} is your own. ${ONLY_OWN}`,
  demo: () => 'it is the demo, which leaves by itself as soon as there is another model.',
  folder: (file) => `its file ${file} lies in a folder of your own. ${ONLY_OWN} Delete the file yourself.`,
  'hugging-face': (file) =>
    `another program put ${file} into Hugging Face's cache. ${ONLY_OWN} Hugging Face's own tool deletes it: \`hf cache rm\`.`,
  ollama: (file) => `it belongs to Ollama, which keeps it in ${file}. ${ONLY_OWN} Ollama deletes it: \`ollama rm\`.`,
  'lm-studio': (file) => `it belongs to LM Studio, which keeps it in ${file}. ${ONLY_OWN} Delete it in LM Studio.`,
};

/** Files that other models name, in their command lines too. */
function usesOf(models: readonly ModelConfig[]): FileUse[] {
  return models.flatMap((model) => {
    const files =
      model.kind === 'command'
        ? model.command
        : [model.file, ...(model.mmproj === undefined ? [] : [model.mmproj]), ...model.args];
    return files.filter(looksLikePath).map((file) => ({ modelId: model.id, file }));
  });
}

function looksLikePath(text: string): boolean {
  return /^(\/|[A-Za-z]:[\\/])/.test(text);
}
