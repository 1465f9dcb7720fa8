import { describe, expect, it } from 'vitest';
import {
  listPooledModels,
  resolvePooledName,
  type PoolFacts,
  type RemoteModel,
} from '../../../electron/engine/pools/pool-names.ts';

type Written = readonly [key: string, models: readonly string[], listed?: readonly string[]];

function pool(name: string, endpoints: readonly Written[], wildcard: PoolFacts['wildcard'] = 'listed'): PoolFacts {
  return {
    name,
    wildcard,
    endpoints: endpoints.map(([key, models, listed]) => ({
      key,
      models,
      listed:
        listed === undefined ? undefined : new Map(listed.map((id): [string, RemoteModel] => [id, { id, of: key }])),
    })),
  };
}

const found = (pools: readonly PoolFacts[], name: string): string | undefined => {
  const { poolName, model, endpointKeys, label } = resolvePooledName(pools, name) ?? {};
  return poolName === undefined ? undefined : `${poolName} ${model} ${endpointKeys?.join(',')} ${label}`;
};

const readme = [
  pool('default-pool', [['d', ['llama3-8b-instruct']]], 'any'),
  pool('dynamic-pool', [['x', ['*'], ['p', 'llama3-8b-instruct']]], 'any'),
];
const listing = [
  pool('one', [['a', ['*'], ['m']]]),
  pool('two', [
    ['b', ['*'], ['m', 'n']],
    ['c', ['*'], ['n']],
  ]),
];

describe('resolvePooledName', () => {
  it.each<[string, readonly PoolFacts[], string, string | undefined]>([
    ['nothing where there are no pools', [], 'm', undefined],
    ['nothing where no pool has the name', [pool('one', [['a', ['m']]])], 'n', undefined],
    [
      'the exact name',
      readme,
      'llama3-8b-instruct',
      'default-pool llama3-8b-instruct d default-pool/llama3-8b-instruct',
    ],
    [
      'an exact name behind a wildcard',
      [readme[1] ?? pool('', []), pool('late', [['l', ['z']]])],
      'z',
      'late z l late/z',
    ],
    [
      'the first of two with the exact name',
      [pool('one', [['a', ['m']]]), pool('two', [['b', ['m']]])],
      'm',
      'one m a one/m',
    ],
    ['the wildcard for the rest', readme, 'p', 'dynamic-pool p x dynamic-pool/p'],
    ['the wildcard for what nobody lists', readme, 'made-up', 'dynamic-pool made-up x dynamic-pool/*'],
    ['the pool that lists the name', listing, 'n', 'two n b,c two/n'],
    ['the first of those that list it', listing, 'm', 'one m a one/m'],
    ['the first wildcard for what nobody lists', listing, 'z', 'one z a one/*'],
    [
      'the first wildcard that takes any, though another lists it',
      [pool('any', [['a', ['*'], []]], 'any'), ...listing],
      'n',
      'any n a any/*',
    ],
    ['`pool/model`', listing, 'two/m', 'two m b two/m'],
    ['`pool/model` of what the pool does not list', listing, 'two/z', 'two z b,c two/*'],
    ['no pool of that name for a name with a slash', listing, 'org/m', 'one org/m a one/*'],
    [
      'an id with a slash before a pool of its name',
      [pool('org', [['a', ['*'], ['m']]]), pool('two', [['b', ['org/m']]])],
      'org/m',
      'two org/m b two/org/m',
    ],
    [
      'only the endpoints that have it',
      [
        pool('one', [
          ['a', ['x']],
          ['b', ['m']],
          ['c', ['*'], ['m']],
        ]),
      ],
      'm',
      'one m b,c one/m',
    ],
    ['not `*` itself as a name', [pool('one', [['a', ['x']]])], '*', undefined],
    ['nothing behind the slash', [pool('one', [['a', ['x']]])], 'one/', undefined],
  ])('finds %s', (_title, pools, name, expected) => {
    expect(found(pools, name)).toBe(expected);
  });
});

describe('listPooledModels', () => {
  it('lists each id once, where it would be asked for', () => {
    const listed = listPooledModels([...listing, pool('three', [['d', ['named', '*'], ['m', 'o']]])]);
    expect(
      listed.map(({ id, poolName, endpointKeys, listed: of }) => [id, poolName, endpointKeys.join(), of['of']]),
    ).toEqual([
      ['m', 'one', 'a', 'a'],
      ['n', 'two', 'b,c', 'b'],
      ['named', 'three', 'd', undefined],
      ['o', 'three', 'd', 'd'],
    ]);
  });

  it('lists only what an endpoint is configured for', () => {
    const listed = listPooledModels([pool('one', [['a', ['m'], ['m', 'hidden']]])]);
    expect(listed.map(({ id, listed: of }) => [id, of['of']])).toEqual([['m', 'a']]);
  });
});
