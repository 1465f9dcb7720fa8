import { z } from 'zod';
import { viaOf } from '../pools/hops.ts';
import type { ListedPoolModel } from '../pools/pools-contract.ts';
import type { ListedModel } from './proxy-app.ts';

/** Of another Corral, which may be a newer one. */
const modalitiesSchema = z.object({ input: z.array(z.string()), output: z.array(z.string()) });

/** A model of a pool in the form of the list: as its endpoint describes it, with what Corral knows besides. Pure. */
export function listedPoolModel({ id, poolName, listed, isReachable }: ListedPoolModel): ListedModel {
  const { created, owned_by: owner, ...described } = listed;
  const corral =
    typeof described['corral'] === 'object' ? (described['corral'] as Record<string, unknown> | null) : null;
  const state = corral?.['state'];
  const contextSize = corral?.['context_size'] ?? described['max_model_len'];
  const sizeBytes = corral?.['size_bytes'];
  return {
    id,
    createdSeconds: typeof created === 'number' ? created : 0,
    // What stands in the configuration alone is there, so far as anybody knows.
    state: !isReachable ? 'unreachable' : typeof state === 'string' ? state : 'available',
    isDemo: false,
    isUnlisted: false,
    contextSize: typeof contextSize === 'number' ? contextSize : null,
    aliases: [],
    sizeBytes: typeof sizeBytes === 'number' ? sizeBytes : undefined,
    modalities: modalitiesSchema.safeParse(corral?.['modalities']).data,
    pool: {
      name: poolName,
      owner: typeof owner === 'string' ? owner : poolName,
      via: viaOf(listed),
      described,
    },
  };
}
