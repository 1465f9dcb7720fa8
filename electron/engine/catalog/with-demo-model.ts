import path from 'node:path';
import type { ModelConfig, ResolvedConfig } from '../config/resolved-config.ts';
import { DEMO_MODEL_ID, demoModelConfig } from './demo-model-config.ts';
import { ensureDemoModel } from './demo-model.ts';

/** The configured models, or where nothing else answers the built-in one, which is written into the data folder then. */
export async function withDemoModel(
  { models, pools }: Pick<ResolvedConfig, 'models' | 'pools'>,
  dataFolder: string,
): Promise<ReadonlyMap<string, ModelConfig>> {
  if (models.size > 0 || pools.size > 0) return models;
  const file = await ensureDemoModel(path.join(dataFolder, 'models'));
  return new Map([[DEMO_MODEL_ID, demoModelConfig(file)]]);
}
