import { AppError } from '#shared/contract/errors.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import type { SettingsAccess } from './config/settings-access.ts';
import type { DialectHost } from './dialects/dialect.ts';
import type { Engine } from './engine-contract.ts';
import type { EngineFront } from './engine-front.ts';
import type { ModelTable } from './model-table.ts';
import type { Clock } from './ports/clock.ts';
import type { Pools } from './pools/pools-contract.ts';
import { checkLaneModel } from './proxy/guards.ts';
import { checkLanePool } from './proxy/pooled-requests.ts';

/** The engine as dialects see it, whatever the listener. */
export function dialectHost(options: {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly front: EngineFront;
  readonly settings: SettingsAccess | undefined;
  readonly pools: Pick<Pools, 'models' | 'refreshLists'>;
  config(): ResolvedConfig;
  table(): ModelTable;
}): Omit<DialectHost, 'inference' | 'listener' | 'address'> {
  const { engine, clock, front, settings, pools, config, table } = options;
  return {
    engine,
    clock,
    config,
    resolveName: (name) => table().resolve(name),
    modelConfig: (modelId) => table().models.get(modelId),
    modelIds: (lane) => [...table().models.keys()].filter((modelId) => checkLaneModel(lane, modelId) === undefined),
    async pooledModels(lane, maxAgeMs) {
      await pools.refreshLists(maxAgeMs);
      return pools.models().filter(({ poolName, id }) => checkLanePool(lane, poolName, id) === undefined);
    },
    renderMetrics: front.renderMetrics,
    log: (level, message) => engine.log(level, message),
    checkAdmin: (headers) => engine.checkAdmin(headers),
    async replaceConfigFile(text) {
      if (settings === undefined) throw new AppError('conflict', 'This Corral has no configuration file.');
      await settings.replaceForeignFile(text);
    },
  };
}
