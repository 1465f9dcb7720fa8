import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { createMemoryMonitor, type MemoryMonitor } from '../../../electron/engine/memory/memory-monitor.ts';
import type { MemoryReading } from '../../../electron/engine/memory/memory-monitor.ts';
import { createFakeClock, type FakeClock } from '../../fakes/fake-clock.ts';
import { deviceReading, ramReading } from './support/devices.ts';
import { MIB } from './support/fixtures.ts';
import { createScriptedProbe, type ScriptedProbe } from './support/scripted-probe.ts';

const gpu = deviceReading({ uuid: 'GPU-1' });
const listedGpu = deviceReading({ id: 'CUDA0', freeBytes: 11_000 * MIB });
const failure = new AppError('probe-failed', 'nvidia-smi printed a line that is no GPU: xyz');

let clock: FakeClock;
let vendor: ScriptedProbe;
let ram: ScriptedProbe;
let list: ScriptedProbe;
let monitor: MemoryMonitor;
let logged: string[];

beforeEach(() => {
  clock = createFakeClock();
  vendor = createScriptedProbe('vendor', [gpu]);
  ram = createScriptedProbe('ram', [ramReading]);
  list = createScriptedProbe('list', [listedGpu]);
  logged = [];
  monitor = createMemoryMonitor({
    probes: [vendor, ram],
    deviceList: list,
    clock,
    logger: { log: (level, message) => logged.push(`${level} ${message}`) },
  });
});
afterEach(() => monitor.close());

/** Lets everything run that waits for nothing but promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function readAfter(durationMs: number): Promise<MemoryReading> {
  clock.advance(durationMs);
  return await monitor.read();
}

describe('a reading', () => {
  it('puts all probes together', async () => {
    clock.advance(100);
    const reading = await monitor.read();
    expect(reading).toMatchObject({
      readAtMs: 100,
      devices: [
        { id: 'CUDA0', uuid: 'GPU-1', freeBytes: gpu.freeBytes, readAtMs: 100, isStale: false, problem: undefined },
        { id: 'RAM', readAtMs: 100, isStale: false },
      ],
      problems: [],
    });
    expect(monitor.latest()).toBe(reading);
    expect(clock.timerCount()).toBe(0);
  });

  it('is shared by those who come while it is under way', async () => {
    const [one, other] = await Promise.all([monitor.read(), monitor.read()]);
    expect(one).toBe(other);
    expect(vendor.askedCount).toBe(1);
  });

  it('is taken again for who accepts its age, and made anew for who does not', async () => {
    const first = await monitor.read();
    clock.advance(1000);
    expect(await monitor.read({ maxAgeMs: 1001 })).toBe(first);
    expect(await monitor.read({ maxAgeMs: 1000 })).not.toBe(first);
    expect(await monitor.read()).toMatchObject({ readAtMs: 1000 });
    expect(vendor.askedCount).toBe(3);
  });

  it('is left by who aborts, without harm to the others', async () => {
    vendor.answer = 'hangs';
    const leaving = new AbortController();
    const left = monitor.read({ signal: leaving.signal });
    const stays = monitor.read();
    await settle();
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    vendor.settle([gpu]);
    expect((await stays).devices).toHaveLength(2);
    await expect(monitor.read({ signal: leaving.signal })).rejects.toThrow('left');
  });
});

describe('a probe that fails', () => {
  it('keeps its last good reading, marked, while the others go on', async () => {
    await monitor.read();
    vendor.answer = failure;
    const reading = await readAfter(5000);
    expect(reading.problems).toEqual([{ probe: 'vendor', message: failure.message, sinceMs: 5000 }]);
    // What is free has come from llama-server's list meanwhile.
    expect(reading.devices).toMatchObject([
      { id: 'CUDA0', isStale: true, readAtMs: 0, problem: failure.message },
      { id: 'RAM', isStale: false, readAtMs: 5000 },
    ]);
    expect((await readAfter(1000)).devices[0]).toMatchObject({
      freeBytes: 11_000 * MIB,
      probe: 'list',
      isStale: false,
    });
  });

  it('is good again as soon as it answers', async () => {
    await monitor.read();
    vendor.answer = failure;
    await readAfter(5000);
    vendor.answer = [gpu];
    expect(await readAfter(1000)).toMatchObject({ problems: [], devices: [{ isStale: false, probe: 'vendor' }, {}] });
  });

  it('is asked again after 1, 2, 4 … 30 seconds and not at every reading', async () => {
    vendor.answer = failure;
    const askedAtMs: number[] = [];
    for (let count = 0; clock.nowMs() < 130_000; count = vendor.askedCount) {
      await monitor.read();
      if (vendor.askedCount > count) askedAtMs.push(clock.nowMs());
      clock.advance(500);
    }
    expect(askedAtMs).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000, 121_000]);
  });

  it('is logged once', async () => {
    vendor.answer = failure;
    for (let count = 0; count < 5; count += 1) await readAfter(2000);
    expect(logged).toEqual([`warn ${failure.message}`]);
  });

  it('may throw anything', async () => {
    vendor.answer = new TypeError('x is undefined');
    expect((await monitor.read()).problems[0]?.message).toContain('x is undefined');
    vendor.read = () => {
      throw new TypeError('at once');
    };
    expect((await readAfter(5000)).problems[0]?.message).toContain('at once');
  });
});

describe('a probe that hangs', () => {
  it('is waited for six seconds, is not asked again meanwhile, and counts when it answers after all', async () => {
    await monitor.read();
    vendor.answer = 'hangs';
    const slow = monitor.read();
    await settle();
    clock.advance(6000);
    expect(await slow).toMatchObject({
      devices: [
        { id: 'CUDA0', isStale: true, readAtMs: 0 },
        { id: 'RAM', isStale: false },
      ],
      problems: [{ probe: 'vendor', message: expect.stringContaining('has not answered for 6 s') as string }],
    });
    await readAfter(1000);
    await readAfter(100_000);
    expect(vendor.askedCount).toBe(2);

    vendor.settle([deviceReading({ uuid: 'GPU-1', freeBytes: 5 * MIB })]);
    vendor.answer = failure;
    await settle();
    const reading = await readAfter(0);
    expect(reading.devices[0]).toMatchObject({ probe: 'list' });
    expect(vendor.askedCount).toBe(3);
  });

  it('does not hold up who already knows that it hangs', async () => {
    vendor.answer = 'hangs';
    const slow = monitor.read();
    await settle();
    clock.advance(6000);
    await slow;
    // Nobody advances the clock: it resolves by itself.
    expect((await monitor.read()).problems).toHaveLength(1);
  });
});

describe('what is not there', () => {
  it('is looked for once a minute', async () => {
    vendor.answer = [];
    list.answer = [];
    for (let count = 0; count < 6; count += 1) await readAfter(count === 0 ? 0 : 11_000);
    expect([vendor.askedCount, list.askedCount, ram.askedCount]).toEqual([1, 1, 6]);
    vendor.answer = [gpu];
    expect((await readAfter(10_000)).devices.map(({ id }) => id)).toEqual(['GPU-1', 'RAM']);
  });

  it('was there before: it is stale for a minute and then gone', async () => {
    list.answer = [];
    await monitor.read();
    vendor.answer = [];
    expect(await readAfter(1000)).toMatchObject({
      devices: [{ id: 'GPU-1', isStale: true, readAtMs: 0 }, {}],
      problems: [{ message: expect.stringContaining('no longer tells of the devices') as string }],
    });
    expect((await readAfter(59_000)).devices).toHaveLength(2);
    expect(await readAfter(1000)).toMatchObject({ devices: [{ id: 'RAM' }], problems: [] });
  });
});

describe('llama-server’s list', () => {
  it('is asked once while the vendor tells what is free', async () => {
    for (let count = 0; count < 5; count += 1) await readAfter(60_000);
    expect(list.askedCount).toBe(1);
  });

  it('is asked at every decision where nobody else tells what is free', async () => {
    vendor.answer = [];
    for (let count = 0; count < 5; count += 1) await readAfter(100);
    expect(list.askedCount).toBe(5);
  });

  it('is asked every ten seconds for who only looks', async () => {
    vendor.answer = [];
    const stop = monitor.watch(() => undefined, 1000);
    for (let count = 0; count <= 20; count += 1) {
      await settle();
      clock.advance(1000);
    }
    stop();
    expect(ram.askedCount).toBe(21);
    expect(list.askedCount).toBe(3);
  });

  it('is asked again when another build runs models', async () => {
    await monitor.read();
    list.answer = [deviceReading({ id: 'Vulkan0' })];
    monitor.forgetDeviceList();
    expect((await monitor.read()).devices[0]).toMatchObject({ id: 'Vulkan0', uuid: 'GPU-1' });
  });

  it('does not come from the old build if it was under way when the build changed', async () => {
    list.answer = 'hangs';
    const reading = monitor.read();
    await settle();
    monitor.forgetDeviceList();
    list.settle([listedGpu]);
    expect((await reading).devices[0]).toMatchObject({ id: 'GPU-1', isListed: undefined });
  });
});

describe('watching', () => {
  it('reads at once, then at intervals, and only while somebody looks', async () => {
    const heard: number[] = [];
    const stop = monitor.watch((reading) => heard.push(reading.readAtMs), 2000);
    await settle();
    for (let count = 0; count < 3; count += 1) {
      clock.advance(2000);
      await settle();
    }
    expect(heard).toEqual([0, 2000, 4000, 6000]);
    stop();
    stop();
    expect(clock.timerCount()).toBe(0);
    clock.advance(60_000);
    await settle();
    expect(heard).toHaveLength(4);
    expect(vendor.askedCount).toBe(4);
  });

  it('serves several at the pace of the fastest, and survives one that throws', async () => {
    const heard = { slow: 0, fast: 0 };
    const stopSlow = monitor.watch(() => (heard.slow += 1), 10_000);
    monitor.watch(() => {
      throw new Error('broken window');
    }, 10_000);
    const stopFast = monitor.watch(() => (heard.fast += 1), 1000);
    await settle();
    expect(vendor.askedCount).toBe(1);
    for (let count = 0; count < 2; count += 1) {
      clock.advance(1000);
      await settle();
    }
    expect(heard).toEqual({ slow: 3, fast: 3 });
    expect(logged[0]).toContain('broken window');
    stopFast();
    stopSlow();
    expect(clock.timerCount()).toBe(1);
  });

  it('does not begin a reading while one is under way', async () => {
    vendor.answer = 'hangs';
    const hear = vi.fn();
    monitor.watch(hear, 100);
    await settle();
    clock.advance(5000);
    await settle();
    expect([vendor.askedCount, ram.askedCount]).toEqual([1, 1]);
    vendor.settle([gpu]);
    await settle();
    expect(hear).toHaveBeenCalledTimes(1);
  });

  it('may be stopped by what it hears', async () => {
    const hear = vi.fn(() => stop());
    const stop: () => void = monitor.watch(hear, 1000);
    await settle();
    expect(clock.timerCount()).toBe(0);
    clock.advance(5000);
    await settle();
    expect(hear).toHaveBeenCalledTimes(1);
  });
});

describe('closing', () => {
  it('ends what is under way, every timer and every watch', async () => {
    const first = await monitor.read();
    const hear = vi.fn();
    monitor.watch(hear, 1000);
    await settle();
    hear.mockClear();
    vendor.answer = 'hangs';
    const reading = monitor.read();
    await settle();
    await monitor.close();
    expect(vendor.lastSignal?.aborted).toBe(true);
    expect((await reading).devices).toHaveLength(2);
    expect(clock.timerCount()).toBe(0);
    expect(hear).not.toHaveBeenCalled();
    const askedCount = vendor.askedCount;
    expect((await monitor.read()).devices.map(({ id }) => id)).toEqual(first.devices.map(({ id }) => id));
    monitor.watch(hear, 1000)();
    expect([vendor.askedCount, clock.timerCount()]).toEqual([askedCount, 0]);
    await monitor.close();
  });

  it('does not wait for a tool that even the kernel cannot end', async () => {
    vendor.read = () => new Promise(() => undefined);
    void monitor.read();
    await settle();
    const closing = monitor.close();
    await settle();
    clock.advance(6000);
    await closing;
    expect(clock.timerCount()).toBe(0);
  });
});
