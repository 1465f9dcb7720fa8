import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, fakeModel, startCorral, type TestCorral } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

describe('the idle time of a model', () => {
  const models = 5;
  const rounds = scaled({ short: 8, long: 1000 });

  it(`Q3 ${models * rounds} requests within 50 ms of its end are all served ${form}`, async () => {
    const ttlMs = 250;
    const ids = Array.from({ length: models }, (_, index) => `m${index}`);
    corral = await startCorral({
      memory: { maxLoaded: models },
      models: Object.fromEntries(ids.map((id) => [id, fakeModel({ name: id }, { ttl: `${ttlMs}ms` })])),
    });
    const random = createSeededRandom(3);
    const foundLoaded: boolean[] = [];
    await Promise.all(
      ids.map(async (id) => {
        await corral.chat(id);
        for (let round = 0; round < rounds; round += 1) {
          await sleep(ttlMs - 50 + random() * 100);
          foundLoaded.push(corral.model(id).state === 'ready');
          const response = await corral.post(
            '/v1/chat/completions',
            { model: id, messages: [] },
            { signal: AbortSignal.timeout(10_000) },
          );
          expect(response.status).toBe(200);
          expect(await response.text()).toContain(`${id}-token-1`);
        }
      }),
    );
    expect(foundLoaded).toHaveLength(models * rounds);
    expect(new Set(foundLoaded), 'both sides of the end were met').toEqual(new Set([true, false]));
    await eventually('all are unloaded in the end', () => ids.every((id) => corral.model(id).state === 'off'));
  }, 900_000);
});

describe('a model that answers', () => {
  const rounds = scaled({ short: 12, long: 200 });

  it(`Q4 is never evicted, whoever presses for its room, ${rounds} times ${form}`, async () => {
    const ids = ['a', 'b', 'c', 'd'];
    corral = await startCorral({
      memory: { maxLoaded: 2 },
      scheduler: { fairnessBound: '100ms' },
      models: Object.fromEntries(
        // An idle time that ends within every answer must not end the answer either.
        ids.map((id) => [id, fakeModel({ name: id, tokens: 10, tokenDelayMs: 20 }, { ttl: '50ms' })]),
      ),
    });
    const random = createSeededRandom(4);
    await Promise.all(
      Array.from({ length: rounds }, async (_, index) => {
        await sleep(random() * rounds * 40);
        const id = ids[index % ids.length] ?? '';
        const response = await corral.post('/v1/chat/completions', { model: id, stream: true, messages: [] });
        const text = await response.text();
        expect(text).toContain(`${id}-token-10 `);
        expect(text.trimEnd().endsWith('data: [DONE]'), text.slice(-200)).toBe(true);
      }),
    );
  }, 120_000);
});
