import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceNeed } from '../../../electron/engine/memory/estimate-need.ts';
import { openLearnedNeeds, type LearnedNeeds } from '../../../electron/engine/memory/learned-needs.ts';
import type { NeedCircumstances } from '../../../electron/engine/memory/need-key.ts';
import { systemClock } from '../../../electron/engine/ports/clock.ts';

const need = (weightsBytes: number): DeviceNeed[] => [{ device: 'RAM', weightsBytes, kvBytes: 2, computeBytes: 1 }];
const of = (fingerprint: string): NeedCircumstances => ({
  fingerprint,
  projectorFingerprint: undefined,
  args: ['-c', '4096'],
  devices: [],
  buildId: 'b',
});

let folder: string;
let warnings: string[];
let wallMs: number;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-learned-'));
  warnings = [];
  wallMs = 1000;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const filePath = (): string => path.join(folder, 'learned-needs.json');
const open = (): Promise<LearnedNeeds> =>
  openLearnedNeeds({
    folder,
    logger: { log: (level, message) => warnings.push(`${level}: ${message}`) },
    clock: { ...systemClock, wallMs: () => (wallMs += 1) },
  });

describe('the store of learned needs', () => {
  it('remembers over a restart, and adds to what it knows', async () => {
    const first = await open();
    expect(first.lookUp(of('a'))).toBeUndefined();
    first.observe(of('a'), { predicted: need(1), forecast: need(2) });
    first.observe(of('a'), { measured: need(3), isShrunk: true, loadTimeMs: 250 });
    first.observe(of('a'), { tokensPerSecond: 42 });
    await first.close();
    const second = await open();
    expect(second.lookUp(of('a'))).toMatchObject({
      predicted: need(1),
      forecast: need(2),
      measured: need(3),
      isShrunk: true,
      loadTimesMs: [250],
      tokensPerSecond: 42,
    });
    expect(second.lookUp({ ...of('a'), buildId: 'c' })).toBeUndefined();
    second.observe(of('a'), { measured: need(4) });
    expect(second.lookUp(of('a'))).toMatchObject({ measured: need(4), isShrunk: false });
    await second.close();
    expect(warnings).toEqual([]);
    expect(await readdir(folder)).toEqual(['learned-needs.json']);
  });

  it('keeps the last five load times', async () => {
    const store = await open();
    for (let time = 1; time <= 7; time += 1) store.observe(of('a'), { loadTimeMs: time });
    expect(store.lookUp(of('a'))?.loadTimesMs).toEqual([3, 4, 5, 6, 7]);
    await store.close();
  });

  it('forgets what was not seen for the longest time, beyond a thousand', async () => {
    const store = await open();
    for (let index = 0; index < 1000; index += 1) store.observe(of(`model ${index}`), { predicted: need(index) });
    store.observe(of('model 0'), { loadTimeMs: 1 });
    store.observe(of('one more'), { predicted: need(1) });
    expect(store.lookUp(of('model 0'))).toBeDefined();
    expect(store.lookUp(of('model 1'))).toBeUndefined();
    await store.close();
    const again = await open();
    again.observe(of('and another'), {});
    expect(again.lookUp(of('model 2'))).toBeUndefined();
    expect(again.lookUp(of('model 3'))).toBeDefined();
    await again.close();
  });

  it.each([
    ['not JSON', '{ "version": 1, "entries": ['],
    ['of a later version', '{"version":2,"entries":[]}'],
    ['of another shape', '{"version":1,"entries":[{"key":"a","measured":"much"}]}'],
    ['too large', ' '.repeat(9 * 1024 * 1024)],
  ])('sets aside a file that is %s, with a warning, and goes on', async (_, content) => {
    await writeFile(filePath(), content);
    const store = await open();
    expect(store.lookUp(of('a'))).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/^warn: .*set aside/)]);
    expect(await readFile(`${filePath()}.corrupt`, 'utf8')).toBe(content);
    store.observe(of('a'), { measured: need(3) });
    await store.close();
    expect((await open()).lookUp(of('a'))?.measured).toEqual(need(3));
  });

  it('says that it cannot write, and works on', async () => {
    const store = await open();
    await rm(folder, { recursive: true });
    store.observe(of('a'), { measured: need(3) });
    await store.close();
    expect(warnings).toEqual([expect.stringMatching(/^warn: What models need cannot be written down/)]);
    expect(store.lookUp(of('a'))?.measured).toEqual(need(3));
  });
});
