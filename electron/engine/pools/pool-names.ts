/** Which pool answers for a name, and what pools answer for. Pure. */

export interface PoolFacts {
  readonly name: string;
  readonly wildcard: 'listed' | 'any';
  readonly endpoints: readonly {
    readonly key: string;
    /** As configured: ids, or `*`. */
    readonly models: readonly string[];
    /** What its own list says, by id; undefined until it was read. */
    readonly listed: ReadonlyMap<string, RemoteModel> | undefined;
  }[];
}

/** A model as an endpoint lists it, all of its words kept. */
export type RemoteModel = Readonly<Record<string, unknown>>;

export interface PooledName {
  readonly poolName: string;
  /** As the endpoints know it. */
  readonly model: string;
  /** The endpoints that may be asked, in file order. */
  readonly endpointKeys: readonly string[];
  /** For records and metrics: `pool/model`, or `pool/*` for a name that a client made up. */
  readonly label: string;
}

const ANY = '*';

/**
 * The first pool, in the order of the file, with an endpoint that has the name; then what `pool/model` says; only then the
 * first with `*`, and of those one that lists the name before one that does not.
 */
export function resolvePooledName(pools: readonly PoolFacts[], name: string): PooledName | undefined {
  const named = pools.find(({ endpoints }) => endpoints.some(({ models }) => name !== ANY && models.includes(name)));
  if (named !== undefined) return inPool(named, name);
  const prefixed = pools.flatMap((pool) =>
    name.startsWith(`${pool.name}/`) && name.length > pool.name.length + 1
      ? [{ pool, model: name.slice(pool.name.length + 1) }]
      : [],
  );
  const known = prefixed.find(({ pool, model }) => knowing(pool, model).length > 0);
  if (known !== undefined) return inPool(known.pool, known.model);
  const open = pools.filter(({ endpoints }) => endpoints.some(({ models }) => models.includes(ANY)));
  const willing = open.find((pool) => pool.wildcard === 'any' || knowing(pool, name).length > 0);
  if (willing !== undefined) return inPool(willing, name);
  const chosen = prefixed.find(({ pool }) => open.includes(pool));
  if (chosen !== undefined) return inPool(chosen.pool, chosen.model);
  return open[0] === undefined ? undefined : inPool(open[0], name);
}

function inPool(pool: PoolFacts, model: string): PooledName {
  const known = knowing(pool, model);
  const able = known.length > 0 ? known : pool.endpoints.filter(({ models }) => models.includes(ANY));
  return {
    poolName: pool.name,
    model,
    endpointKeys: able.map(({ key }) => key),
    label: `${pool.name}/${known.length > 0 ? model : ANY}`,
  };
}

function knowing(pool: PoolFacts, model: string): PoolFacts['endpoints'] {
  return pool.endpoints.filter(
    ({ models, listed }) =>
      (model !== ANY && models.includes(model)) || (models.includes(ANY) && listed?.has(model) === true),
  );
}

export interface PooledModel {
  readonly id: string;
  readonly poolName: string;
  readonly endpointKeys: readonly string[];
  /** What the first endpoint that lists it says of it; empty where it stands in the configuration alone. */
  readonly listed: RemoteModel;
}

/** All that pools answer for by name, each id once: what `resolvePooledName` would choose for it. */
export function listPooledModels(pools: readonly PoolFacts[]): PooledModel[] {
  const found = new Map<string, PooledModel>();
  for (const pool of pools) {
    for (const { models, listed } of pool.endpoints) {
      const ids = [...models.filter((id) => id !== ANY), ...(models.includes(ANY) ? (listed?.keys() ?? []) : [])];
      for (const id of ids) {
        if (found.has(id)) continue;
        const chosen = resolvePooledName(pools, id);
        const owner = pools.find(({ name }) => name === chosen?.poolName);
        if (chosen === undefined || owner === undefined || chosen.model !== id) continue;
        const keys = chosen.endpointKeys;
        const description = owner.endpoints.find((each) => keys.includes(each.key) && each.listed?.has(id) === true);
        found.set(id, {
          id,
          poolName: owner.name,
          endpointKeys: keys,
          listed: description?.listed?.get(id) ?? {},
        });
      }
    }
  }
  return [...found.values()];
}
