import { expect, it } from 'vitest';
import { listedPoolModel } from '../../../electron/engine/proxy/listed-pool-models.ts';

const listed = (corral: unknown) =>
  listedPoolModel({ id: 'm', poolName: 'far', endpointKeys: [], listed: { id: 'm', corral }, isReachable: true });

it('a model of another Corral has the size and modalities that one tells', () => {
  const modalities = { input: ['text', 'image'], output: ['text'] };
  expect(listed({ state: 'ready', size_bytes: 7, modalities })).toMatchObject({
    state: 'ready',
    sizeBytes: 7,
    modalities,
  });
});

it.each([
  [undefined],
  [null],
  ['x'],
  [{ size_bytes: '7', modalities: ['text'] }],
  [{ modalities: { input: 'text', output: [1] } }],
])('of what an endpoint says beside that, %j, nothing is taken over', (corral) => {
  expect(listed(corral)).toMatchObject({ sizeBytes: undefined, modalities: undefined });
});
