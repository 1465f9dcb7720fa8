import { proxyKey } from './config/proxy-address.ts';
import type { ModelConfig } from './config/resolved-config.ts';

/** The members of a set that can be loaded beside one of them, that one left out: no two servers can have one address. */
export function companionsOf(
  modelId: string,
  members: readonly string[],
  models: ReadonlyMap<string, ModelConfig>,
): readonly string[] {
  const addressOf = (id: string): string | undefined => {
    const model = models.get(id);
    return model?.kind === 'command' && model.proxy !== undefined ? proxyKey(model.proxy) : undefined;
  };
  const taken = new Set([addressOf(modelId)]);
  return members.filter((member) => {
    const address = addressOf(member);
    if (member === modelId || (address !== undefined && taken.has(address))) return false;
    taken.add(address);
    return true;
  });
}
