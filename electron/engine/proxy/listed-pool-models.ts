import { viaOf } from '../pools/hops.ts';
import type { ListedPoolModel } from '../pools/pools-contract.ts';
import type { ListedModel } from './proxy-app.ts';

/** A model of a pool in the form of the list: as its endpoint describes it, with what Corral knows besides. Pure. */
export function listedPoolModel({ id, poolName, listed, isReachable }: ListedPoolModel): ListedModel {
  const { created, owned_by: owner, ...described } = listed;
  const corral =
    typeof described['corral'] === 'object' ? (described['corral'] as Record<string, unknown> | null) : null;
  const state = corral?.['state'];
  const contextSize = corral?.['context_size'] ?? described['max_model_len'];
  return {
    id,
    createdSeconds: typeof created === 'number' ? created : 0,
    // What stands in the configuration alone is there, so far as anybody knows.
    state: !isReachable ? 'unreachable' : typeof state === 'string' ? state : 'available',
    isDemo: false,
    isUnlisted: false,
    contextSize: typeof contextSize === 'number' ? contextSize : null,
    aliases: [],
    pool: {
      name: poolName,
      owner: typeof owner === 'string' ? owner : poolName,
      via: viaOf(listed),
      described,
    },
  };
}
