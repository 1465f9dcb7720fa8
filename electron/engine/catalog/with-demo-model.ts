import path from 'node:path';
import type { ModelConfig } from '../config/resolved-config.ts';
import { DEMO_MODEL_ID, demoModelConfig } from './demo-model-config.ts';
import { ensureDemoModel } from './demo-model.ts';

/** The configured models, or the built-in one, which is written into the data folder then. */
export async function withDemoModel(
  models: ReadonlyMap<string, ModelConfig>,
  dataFolder: string,
): Promise<ReadonlyMap<string, ModelConfig>> {
  if (models.size > 0) return models;
  const file = await ensureDemoModel(path.join(dataFolder, 'models'));
  return new Map([[DEMO_MODEL_ID, demoModelConfig(file)]]);
}
