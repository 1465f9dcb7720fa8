import type { PoolConfig, PoolEndpointConfig } from './resolved-config.ts';
import type { ParsedDefaults } from './schema-models.ts';
import type { ParsedPool } from './schema-pools.ts';

/** Fills the defaults into a pool. Pure. */
export function resolvePool(pool: ParsedPool, defaults: ParsedDefaults): PoolConfig {
  const { sticky, stickyTtl, maxSticky, wildcard, queue, health } = pool;
  return {
    endpoints: withoutRepeats(pool.endpoints),
    sticky,
    stickyTtlMs: stickyTtl,
    maxSticky,
    wildcard,
    queue: { max: queue.max ?? defaults.queue.max, maxWaitMs: queue.maxWait ?? defaults.queue.maxWait },
    health: { path: health.path, intervalMs: health.interval, timeoutMs: health.timeout },
  };
}

/** The same address with the same key is one endpoint, with what each of its entries serves; the first one's limit counts. */
function withoutRepeats(endpoints: ParsedPool['endpoints']): PoolEndpointConfig[] {
  const found = new Map<string, PoolEndpointConfig>();
  for (const { url, apiKey, models, concurrency } of endpoints) {
    const plain = plainUrl(url);
    const key = JSON.stringify([plain, apiKey]);
    const earlier = found.get(key);
    found.set(
      key,
      earlier === undefined
        ? { url: plain, apiKey, models, concurrency }
        : { ...earlier, models: [...new Set([...earlier.models, ...models])] },
    );
  }
  return [...found.values()];
}

/** `/v1` is part of every route, and some people write it at the end of the address. */
export function plainUrl(written: string): string {
  const { origin, pathname } = new URL(written);
  return origin + pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '');
}
