import type { ResolvedConfig } from './config/resolved-config.ts';
import type { ConfigProblem } from './engine-contract.ts';
import { inferenceSettingsOf } from './engine-settings.ts';
import { createModelTable, type ModelTable } from './model-table.ts';
import type { InferenceSettings } from './proxy/inference.ts';

/** The configuration that is in use, and what was made of it. Only `reconfigure.ts` changes it once the engine is set up. */
export interface LiveConfig {
  config: ResolvedConfig;
  warnings: readonly ConfigProblem[];
  /** Of the file as it is now, if that is not in use for them. */
  errors: readonly ConfigProblem[];
  inferenceSettings: InferenceSettings;
  /** With the models that were found on disk, once somebody looked for them. */
  table: ModelTable;
}

export function createLiveConfig(config: ResolvedConfig, warnings: readonly ConfigProblem[]): LiveConfig {
  return {
    config,
    warnings,
    errors: [],
    inferenceSettings: inferenceSettingsOf(config),
    table: createModelTable(config.models, config.sets),
  };
}
