import { mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchConfig, type ConfigWatch } from '../../../electron/engine/config/watch-config.ts';
import type { LogLevel } from '../../../electron/engine/ports/logger.ts';
import { createFakeClock, type FakeClock } from '../../fakes/fake-clock.ts';

let folder: string;
let clock: FakeClock;
let changes: number;
let logged: [LogLevel, string][];
let watch: ConfigWatch | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-watch-'));
  clock = createFakeClock();
  changes = 0;
  logged = [];
});
afterEach(async () => {
  await watch?.close();
  expect(clock.timerCount()).toBe(0);
  await rm(folder, { recursive: true });
});

async function start(
  filePath: string,
  onChange = (): void => void (changes += 1),
  signal?: AbortSignal,
): Promise<void> {
  const logger = { log: (level: LogLevel, message: string): void => void logged.push([level, message]) };
  watch = watchConfig({ filePath, clock, logger, onChange, ...(signal === undefined ? {} : { signal }) });
  await watch.ready;
}

/** Lets the watcher look as often as it would in that time. */
async function pass(durationMs: number): Promise<void> {
  const endMs = clock.nowMs() + durationMs;
  for (;;) {
    await vi.waitUntil(() => clock.timerCount() === 1, { interval: 1 });
    const nextMs = clock.untilNextMs() ?? 0;
    if (clock.nowMs() + nextMs > endMs) break;
    clock.advance(nextMs);
  }
  clock.advance(endMs - clock.nowMs());
}

async function expectChange(): Promise<void> {
  const before = changes;
  // The contract: no later than 500 ms after things settled.
  await pass(500);
  expect(changes - before).toBe(1);
  await pass(5000);
  expect(changes - before).toBe(1);
}

describe('watchConfig', () => {
  it('tells of an edit in place, a replacement, a deletion and a return, once each', async () => {
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'one');
    await start(file);
    await pass(2000);
    expect(changes).toBe(0);

    await writeFile(file, 'two');
    await expectChange();
    await writeFile(join(folder, 'new'), 'three');
    await rename(join(folder, 'new'), file);
    await expectChange();
    await unlink(file);
    await expectChange();
    await writeFile(file, 'three');
    await expectChange();
    expect(logged).toEqual(Array.from({ length: 4 }, () => ['debug', 'the configuration file has changed']));
  });

  it('is silent about a touch, and about another file with the same content', async () => {
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'same');
    await start(file);
    await utimes(file, 1, 1);
    await pass(1000);
    await writeFile(join(folder, 'new'), 'same');
    await rename(join(folder, 'new'), file);
    await pass(1000);
    await rm(file);
    await writeFile(file, 'same');
    await pass(1000);
    expect(changes).toBe(0);
  });

  it('waits until the content has been still for 50 ms', async () => {
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'one');
    await start(file);
    for (let turn = 0; turn < 20; turn += 1) {
      await writeFile(file, `edit ${turn}`.repeat(turn));
      await pass(turn === 0 ? 400 : 50);
      expect(changes).toBe(0);
    }
    await expectChange();
  });

  it('sees an edit that left size and times as they were, as on file systems with coarse times', async () => {
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'aaa');
    await start(file);
    await writeFile(file, 'bbb');
    await pass(500);
    expect(changes).toBe(1);
    // What `stat` says cannot be held still here; a quick second edit shows at least that each is told.
    await writeFile(file, 'ccc');
    await pass(500);
    expect(changes).toBe(2);
  });

  it('waits for a folder that does not exist yet, and survives that it goes', async () => {
    const file = join(folder, 'a', 'b', 'config.yaml');
    await start(file);
    await pass(1000);
    expect(changes).toBe(0);
    await mkdir(join(folder, 'a', 'b'), { recursive: true });
    await pass(1000);
    expect(changes).toBe(0);
    await writeFile(file, 'one');
    await expectChange();
    await rm(join(folder, 'a'), { recursive: true });
    await expectChange();
    await mkdir(join(folder, 'a', 'b'), { recursive: true });
    await writeFile(file, 'two');
    await expectChange();
  });

  it('follows links that are swapped, that of the file and those above it', async () => {
    for (const [name, text] of [
      ['v1', 'one'],
      ['v2', 'two'],
    ] as const) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'config.yaml'), text);
    }
    // As Kubernetes mounts a ConfigMap.
    await symlink('v1', join(folder, '..data'), 'junction');
    const file = join(folder, '..data', 'config.yaml');
    await start(file);
    await symlink('v2', join(folder, 'next'), 'junction');
    await unlink(join(folder, '..data'));
    await rename(join(folder, 'next'), join(folder, '..data'));
    await expectChange();
    await writeFile(join(folder, 'v1', 'config.yaml'), 'nobody looks at this');
    await pass(1000);
    expect(changes).toBe(1);
    await writeFile(join(folder, 'v2', 'config.yaml'), 'three');
    await expectChange();
  });

  it('goes on when the handler throws', async () => {
    const file = join(folder, 'config.yaml');
    await start(file, () => {
      changes += 1;
      throw new Error('no');
    });
    await writeFile(file, 'one');
    await expectChange();
    await writeFile(file, 'two');
    await expectChange();
    expect(logged.filter(([level]) => level === 'error')).toHaveLength(2);
  });

  it('does nothing any more once it is closed, whether by close or by the signal', async () => {
    const file = join(folder, 'config.yaml');
    const stop = new AbortController();
    await start(file, undefined, stop.signal);
    await writeFile(file, 'one');
    await pass(400);
    stop.abort();
    expect(clock.timerCount()).toBe(0);
    await watch?.close();
    await watch?.close();
    clock.advance(10_000);
    expect(changes).toBe(0);

    await start(file, undefined, AbortSignal.abort());
    expect(clock.timerCount()).toBe(0);
  });

  it('looks at most five times a second while nothing happens', async () => {
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'one');
    await start(file);
    await pass(5000);
    await vi.waitUntil(() => clock.timerCount() === 1, { interval: 1 });
    expect(clock.untilNextMs()).toBeGreaterThanOrEqual(100);
    const setTimer = vi.spyOn(clock, 'setTimer');
    await pass(10_000);
    expect(setTimer.mock.calls.length).toBeLessThanOrEqual(51);
  });
});
