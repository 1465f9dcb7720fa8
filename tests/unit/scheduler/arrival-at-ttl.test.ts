import { describe, expect, it } from 'vitest';
import type { Lease } from '../../../electron/engine/scheduler/lease.ts';
import { createCountRoom } from '../../../electron/engine/scheduler/room.ts';
import { noMemoryKeeper } from '../../../electron/engine/ports/memory-keeper.ts';
import { createScheduler } from '../../../electron/engine/scheduler/scheduler.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeSupervisor } from '../../fakes/fake-supervisor.ts';
import { commandModelConfig } from '../../fakes/model-config.ts';

const TTL_MS = 1000;
const PREPARE_MS = 1;
const LOAD_MS = 40;
const STOP_MS = 25;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

describe('Q3 requests that arrive as the idle time of their model ends', () => {
  it('5,000 of them, up to 50 ms before or after, are all served: by the old process or by a new one, and never late', async () => {
    const clock = createFakeClock();
    const behaviour = { prepareMs: PREPARE_MS, loadMs: LOAD_MS, stopMs: STOP_MS, nextStart: () => 'ready' as const };
    const supervisor = createFakeSupervisor(clock, new Map([['a', behaviour]]));
    const scheduler = createScheduler({
      models: new Map([['a', commandModelConfig('a', { concurrency: 1, ttlMs: TTL_MS })]]),
      supervisor,
      clock,
      room: createCountRoom({ maxLoaded: 1, canEvict: true }),
      fairnessBoundMs: 1000,
      maxQueued: 10,
      laneLimits: new Map(),
      togetherSets: [],
      gameModeRequests: 'hold',
      memory: noMemoryKeeper,
      onReservedChanged: () => undefined,
      onModelChanged: () => undefined,
      onQueueChanged: () => undefined,
    });
    const process = supervisor.process('a');
    const pass = async (durationMs: number): Promise<void> => {
      const endMs = clock.nowMs() + durationMs;
      for (let nextMs = clock.untilNextMs(); nextMs !== undefined && clock.nowMs() + nextMs <= endMs;) {
        clock.advance(nextMs);
        await settle();
        nextMs = clock.untilNextMs();
      }
      clock.advance(endMs - clock.nowMs());
      await settle();
    };

    const found = new Map<string, number>();
    let worstMs = 0;
    for (let arrival = 0; arrival < 5000; arrival += 1) {
      // Each millisecond around the end, the end itself included, some 50 times over.
      await pass(arrival === 0 ? 0 : TTL_MS - 50 + (arrival % 101));
      const { state } = process.view();
      found.set(state, (found.get(state) ?? 0) + 1);
      const arrivedMs = clock.nowMs();
      let lease: Lease | undefined;
      let error: unknown;
      scheduler.acquire({ modelId: 'a', lane: 'default', priority: 0, signal: new AbortController().signal }).then(
        (granted) => (lease = granted),
        (thrown: unknown) => (error = thrown),
      );
      await settle();
      while (lease === undefined && error === undefined && clock.nowMs() - arrivedMs < 1000) await pass(1);
      expect(error).toBeUndefined();
      expect(lease?.endpoint, `arrival ${arrival} found it ${state}`).toBe(process.view().endpoint);
      worstMs = Math.max(worstMs, clock.nowMs() - arrivedMs);
      await pass(3);
      lease?.release();
      await settle();
    }
    expect(worstMs).toBeLessThanOrEqual(STOP_MS + PREPARE_MS + LOAD_MS + 1);
    // All three were met: a process that is ready, one on its way out, and none.
    for (const state of ['ready', 'stopping', 'off']) expect(found.get(state), state).toBeGreaterThan(500);
    expect(scheduler.queue()).toEqual([]);
  });
});
