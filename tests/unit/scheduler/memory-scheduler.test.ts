import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../electron/engine/config/schema.ts';
import type { ModelNeed } from '../../../electron/engine/memory/device-facts.ts';
import { checkHistory } from './support/history.ts';
import { createMemoryWorld, GIB, offloadedNeed, ramDevice, type WorldModel } from './support/memory-world.ts';

const gpu = (totalBytes: number, { tellsProcesses = false, id = 'CUDA0' } = {}) => ({
  id,
  kind: 'gpu' as const,
  totalBytes,
  tellsProcesses,
});
const model = (sizeBytes: number, changes: Partial<WorldModel> = {}, need: Partial<ModelNeed> = {}): WorldModel => ({
  need: offloadedNeed(sizeBytes, need),
  truth: 1,
  loadMs: 500,
  ...changes,
});
const isStarted = (modelId: string) => (event: { kind: string; modelId?: string }) =>
  event.kind === 'started' && event.modelId === modelId;

describe('Q9 memory that comes back late', () => {
  const delays = [0, 300, 2500, 4900, 6000];
  const situations = delays.flatMap((returnMs) =>
    ['is evicted', 'is killed'].flatMap((how) =>
      [true, false].map((tellsProcesses) => ({ returnMs, how, tellsProcesses })),
    ),
  );

  it.each(situations)('$returnMs ms after a model $how (processes told: $tellsProcesses)', async (situation) => {
    const { returnMs, how, tellsProcesses } = situation;
    const world = createMemoryWorld({
      devices: [gpu(10 * GIB, { tellsProcesses }), ramDevice(64 * GIB)],
      models: { a: model(6 * GIB), b: model(7 * GIB) },
      returnDelayMs: () => returnMs,
    });
    const first = world.ask('a', { serviceMs: 100 });
    await world.passUntil(30_000);
    await first;
    if (how === 'is killed') world.kill('a');
    const second = world.ask('b', { serviceMs: 100 });
    await world.passUntil(60_000);
    expect(await second).toMatchObject({ kind: 'served' });
    const goneAtMs = world.history.events.find(({ kind }) => kind === 'gone')?.atMs ?? Number.NaN;
    const startedAtMs = world.history.events.find(isStarted('b'))?.atMs ?? Number.NaN;
    expect(startedAtMs - goneAtMs).toBeGreaterThanOrEqual(Math.min(returnMs, 5000));
    expect(startedAtMs - goneAtMs).toBeLessThanOrEqual(Math.min(returnMs, 5000) + 100);
  });

  it('of two models that go at once: neither takes the other one’s for its own', async () => {
    const returns = [200, 3000];
    const world = createMemoryWorld({
      devices: [gpu(10 * GIB), ramDevice(64 * GIB)],
      models: { a: model(4 * GIB), b: model(4.5 * GIB), c: model(9 * GIB) },
      returnDelayMs: () => returns.shift() ?? 0,
    });
    for (const modelId of ['a', 'b']) {
      void world.ask(modelId, { serviceMs: 10 });
      await world.passUntil(world.clock.nowMs() + 5000);
    }
    const third = world.ask('c', { serviceMs: 10 });
    await world.passUntil(60_000);
    expect(await third).toMatchObject({ kind: 'served' });
    const gone = world.history.events.filter(({ kind }) => kind === 'gone').map(({ atMs }) => atMs);
    const startedAtMs = world.history.events.find(isStarted('c'))?.atMs ?? Number.NaN;
    expect(startedAtMs - Math.max(...gone)).toBeGreaterThanOrEqual(3000);
    expect(startedAtMs - Math.max(...gone)).toBeLessThanOrEqual(3100);
  });
});

describe('Q7 a load that runs out of memory', () => {
  /** What the starts of `big` were, and who was evicted, in order. */
  async function loadBig(changes: Partial<WorldModel>, need: Partial<ModelNeed> = { contextSize: 32_768 }) {
    const contexts: (number | undefined)[] = [];
    const big = model(8 * GIB, { truth: 3, ...changes }, need);
    const world = createMemoryWorld({
      devices: [gpu(20 * GIB), ramDevice(64 * GIB)],
      models: {
        a: model(3 * GIB),
        p: model(2 * GIB, { config: { pinned: true } }),
        big: {
          ...big,
          reduced: (contextSize) => {
            contexts.push(contextSize);
            return changes.reduced?.(contextSize) ?? 1;
          },
        },
      },
    });
    for (const modelId of ['a', 'p']) {
      void world.ask(modelId, { serviceMs: 10 });
      await world.passUntil(world.clock.nowMs() + 5000);
    }
    const asked = world.ask('big', { serviceMs: 10 });
    await world.passUntil(world.clock.nowMs() + 120_000);
    const { events } = world.history;
    return {
      outcome: await asked,
      contexts,
      starts: events.filter(isStarted('big')).length,
      evicted: events.flatMap((event) => (event.kind === 'stopping' ? [event.modelId] : [])),
      world,
    };
  }

  it('gets one round of eviction, one retry, smaller contexts, then an error with what it needs and who has the rest', async () => {
    const { outcome, contexts, starts, evicted } = await loadBig({ reduced: () => 0.95 });
    expect(evicted).toEqual(['a']);
    expect(starts).toBe(4);
    expect(contexts).toEqual([16_384, 4096]);
    expect(outcome).toMatchObject({ kind: 'refused', code: 'start-failed' });
    const message = outcome.kind === 'refused' ? outcome.message : '';
    expect(message).toContain('8.6 GB of GPU memory');
    expect(message).toMatch(/Free: 19\.3 GB of CUDA0/);
    expect(message).toMatch(/Held by: p 2\.7 GB/);
  });

  it('says so too when the load took longer than a decision lasts', async () => {
    const { outcome } = await loadBig({ loadMs: 20_000 });
    expect(outcome).toMatchObject({ message: expect.stringContaining('8.6 GB of GPU memory') as string });
  });

  it('is served with the context that fits', async () => {
    const { outcome, contexts, evicted } = await loadBig({ reduced: (size) => (size === 4096 ? 0.5 : 1) });
    expect(outcome.kind).toBe('served');
    expect(contexts).toEqual([16_384, 4096]);
    expect(evicted).toEqual(['a']);
  });

  it('never gets a larger context than it had', async () => {
    const { contexts, starts } = await loadBig({}, { contextSize: 8192 });
    expect(contexts).toEqual([4096]);
    expect(starts).toBe(3);
  });

  it.each([
    { name: 'in the configuration', config: { contextSize: 8192 } },
    { name: 'among its arguments', config: { args: ['-c', '8192'] } },
  ])('keeps a context that stands $name', async ({ config }) => {
    const { outcome, contexts, starts, evicted } = await loadBig({ config }, {});
    expect(outcome.kind).toBe('refused');
    expect(contexts).toEqual([]);
    expect(starts).toBe(2);
    expect(evicted).toEqual(['a']);
  });

  it('is only tried again where there was something to evict or to make smaller: other failures are told at once', async () => {
    const { outcome, starts, evicted } = await loadBig({ truth: 1, nextStart: () => 'exits' });
    expect(outcome).toMatchObject({ kind: 'refused', message: 'big exits at start' });
    expect(starts).toBe(1);
    expect(evicted).toEqual([]);
  });
});

describe('Q5 one request beside a flood', () => {
  const fairnessBoundMs = configSchema.parse({}).scheduler.fairnessBound;

  it.each([1000, 2000, 5000, 12_000])('starts within two answers of %i ms and its load', async (serviceMs) => {
    const world = createMemoryWorld({
      devices: [gpu(10 * GIB), ramDevice(64 * GIB)],
      // As many slots as the flood takes: what waits is not the flood.
      models: { a: model(6 * GIB, { config: { concurrency: serviceMs } }), b: model(7 * GIB, { loadMs: 3000 }) },
      fairnessBoundMs,
      returnDelayMs: () => 100,
    });
    void world.ask('a', { serviceMs });
    await world.passUntil(20_000);
    const flood = async (durationMs: number): Promise<void> => {
      for (const endMs = world.clock.nowMs() + durationMs; world.clock.nowMs() < endMs;) {
        void world.ask('a', { serviceMs });
        await world.passUntil(world.clock.nowMs() + 20);
      }
    };
    await flood(3 * serviceMs);
    const guest = world.ask('b', { serviceMs: 10 });
    await flood(3 * serviceMs + 10_000);
    const outcome = await guest;
    // The end of a's process, the return of its memory and the look for it come to less than 300 ms.
    expect(outcome).toMatchObject({ kind: 'served' });
    expect(outcome.waitedMs).toBeLessThanOrEqual(2 * serviceMs + 3000 + 300);
    // The flood goes on, none of it is lost, and it was not made to swap more than there and back.
    await world.passUntil(world.clock.nowMs() + 120_000);
    expect(checkHistory(world.history.events, world.budgets)).toEqual([]);
    expect(world.history.events.filter(({ kind }) => kind === 'started')).toHaveLength(3);
    await world.scheduler.close(0);
  });

  it('of two models that are both wanted all the time each keeps its place for as long as its load takes', async () => {
    const loadMs = 8000;
    const world = createMemoryWorld({
      devices: [gpu(10 * GIB), ramDevice(64 * GIB)],
      models: { a: model(6 * GIB, { loadMs }), b: model(7 * GIB, { loadMs }) },
      fairnessBoundMs,
    });
    for (let index = 0; index < 400; index += 1) {
      void world.ask(index % 2 === 0 ? 'a' : 'b', { serviceMs: 1000 });
      await world.passUntil(world.clock.nowMs() + 500);
    }
    const { events } = world.history;
    const stays = events.flatMap((event, index) => {
      if (event.kind !== 'stopping') return [];
      const loaded = events.slice(0, index).findLast(({ kind }) => kind === 'spawned');
      return loaded === undefined ? [] : [event.atMs - loaded.atMs - loadMs];
    });
    expect(stays.length).toBeGreaterThan(5);
    expect(Math.min(...stays)).toBeGreaterThanOrEqual(loadMs);
    expect(Math.max(...stays)).toBeLessThanOrEqual(loadMs + 1000);
    await world.scheduler.close(0);
  });
});
