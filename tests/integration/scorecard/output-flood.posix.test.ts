import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, fakeModel, type TestFolder } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';
import { peakDuring, startWatchedCorral, type WatchedCorral } from '../support/watched-corral-linux.ts';

const MB = 1e6;
/** Four files of 5 MiB, see openLogFile, and what was under way when the newest one was found to be full. */
const LOG_CAP_BYTES = (4 * 5 + 1) * 1024 * 1024;

let folder: TestFolder;
let corral: WatchedCorral | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(async () => {
  await corral?.end('SIGTERM');
  await folder.dispose();
});

/** Times between the tokens of one stream. */
async function tokenPausesMs(running: WatchedCorral): Promise<number[]> {
  const response = await running.post({ model: 'calm', stream: true, messages: [] });
  const pausesMs: number[] = [];
  let lastMs: number | undefined;
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    if (!decoder.decode(chunk).includes('calm-token-')) continue;
    const nowMs = performance.now();
    if (lastMs !== undefined) pausesMs.push(nowMs - lastMs);
    lastMs = nowMs;
  }
  return pausesMs;
}

async function ofFourStreams(running: WatchedCorral): Promise<number[]> {
  return (await Promise.all(Array.from({ length: 4 }, () => tokenPausesMs(running)))).flat();
}

function p99(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? Number.NaN;
}

// The figures of a process come from /proc.
describe.runIf(process.platform === 'linux')('a model that floods its output', () => {
  const floodBytes = scaled({ short: 40 * MB, long: 1000 * MB });

  it(`S5 ${floodBytes / MB} MB on stdout hold up no tokens, and fill neither memory nor the disk ${form}`, async () => {
    const running = await startWatchedCorral(folder, {
      memory: { maxLoaded: 3 },
      models: {
        loud: fakeModel({ floodStdout: 'max', floodBytes }),
        calm: fakeModel({ name: 'calm', tokens: 100, tokenDelayMs: 20, slots: 4 }, { concurrency: 4 }),
        busy: fakeModel({ tokens: 20_000 }),
      },
    });
    corral = running;
    // What any second model costs, and a heap that has had something to do, is not the flood's.
    await (await running.post({ model: 'busy', stream: true, messages: [] })).text();
    await ofFourStreams(running);
    const beforeBytes = await running.rssBytes();

    async function flood(): Promise<void> {
      await running.bridge.call('load-model', { model: 'loud' });
      for (;;) {
        // To ask for much of the log, and often, would be a load of its own.
        const { lines } = await running.bridge.call('read-logs', { source: 'loud', limit: 20 });
        if (lines.some(({ stream, text }) => stream === 'stderr' && text === 'flood over')) break;
        await sleep(200);
      }
      await running.bridge.call('eject-model', { model: 'loud', mode: 'now' });
    }
    async function measureDuring(work: Promise<void>): Promise<number[]> {
      const pausesMs: number[] = [];
      const over = work.then(() => 'over' as const);
      do pausesMs.push(...(await ofFourStreams(running)));
      while ((await Promise.race([over, sleep(0, 'goes on' as const)])) === 'goes on');
      await work;
      return pausesMs;
    }

    // The best of three rounds: what other programs do meanwhile is not what is looked at.
    const ratios: number[] = [];
    while (ratios.length < 3 && !ratios.some((ratio) => ratio < 2)) {
      const calmMs = p99(await ofFourStreams(running));
      const flooded = measureDuring(flood());
      const peakBytes = await peakDuring(running.rssBytes, flooded);
      ratios.push(p99(await flooded) / calmMs);
      expect((peakBytes - beforeBytes) / MB).toBeLessThan(50);
    }
    expect(
      Math.min(...ratios),
      `p99 of the pauses between tokens, to that without the flood: ${ratios.join()}`,
    ).toBeLessThan(2);

    const { lines } = await running.bridge.call('read-logs', { source: 'loud', limit: 10_000 });
    expect(lines.some(({ text }) => text.includes('came too fast'))).toBe(true);
    expect(lines.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(2 * 1024 * 1024);
    const logs = path.join(running.dataFolder, 'logs');
    const names = (await readdir(logs)).filter((name) => name.includes('loud'));
    const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(logs, name))).size));
    expect(names).not.toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LOG_CAP_BYTES);
  }, 240_000);
});
