import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  listSets,
  modelDigest,
  readStamps,
  removeUnlisted,
  sampleFile,
  sealSlotFile,
  setName,
  takeList,
  writeList,
  type SavedList,
} from '../../../electron/engine/supervisor/kv-cache-files.ts';

let folder: string;
let set: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-kv-'));
  set = path.join(folder, setName('qwen', 'key'));
  await mkdir(set);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const fileName = `${'0'.repeat(32)}.kv`;
const list: SavedList = {
  savedAtMs: 5,
  slots: [{ slot: 1, file: fileName, tokens: 7, sizeBytes: 3, contextSize: 4096, sample: 'x' }],
};

describe('a set of saved conversations', () => {
  it('is listed with its size and the time it was saved, beside what is none of ours', async () => {
    await writeFile(path.join(set, fileName), 'abc');
    await mkdir(path.join(folder, 'holiday'));
    await writeFile(path.join(folder, setName('file', 'x')), '');
    expect(await listSets(folder)).toMatchObject([{ savedAtMs: 0, sizeBytes: 3 }]);
    await writeList(set, list);
    const [found] = await listSets(folder);
    expect(found).toMatchObject({ name: path.basename(set), modelDigest: modelDigest('qwen'), savedAtMs: 5 });
    expect(found?.sizeBytes).toBe(3 + JSON.stringify(list).length);
    expect(await listSets(path.join(folder, 'nowhere'))).toEqual([]);
  });

  it('is there for one restore at a time, and again if that went well', async () => {
    expect(await takeList(set)).toBeUndefined();
    await writeList(set, list);
    expect(await takeList(set)).toEqual(list);
    expect(await takeList(set), 'the restore before it did not end').toBeUndefined();
    expect(await listSets(folder)).toMatchObject([{ savedAtMs: 0 }]);
    await writeList(set, list);
    expect(await readdir(set)).toEqual(['saved.json']);
    expect(await takeList(set)).toEqual(list);
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['an empty list', '{"savedAtMs":1,"slots":[]}'],
    ['a name that leads elsewhere', JSON.stringify(list).replace(fileName, '../../secret.kv')],
    ['something more', JSON.stringify({ ...list, more: 1 })],
  ])('does not count with %s', async (_, text) => {
    await writeFile(path.join(set, 'saved.json'), text);
    expect(await takeList(set)).toBeUndefined();
  });

  it('loses what its list does not name, and everything without one', async () => {
    await writeList(set, list);
    for (const name of [fileName, 'other.kv', 'restoring.json']) await writeFile(path.join(set, name), '');
    await removeUnlisted(set, list);
    expect((await readdir(set)).sort()).toEqual([fileName, 'saved.json']);
    await removeUnlisted(set, undefined);
    expect(await readdir(set)).toEqual([]);
  });

  it('goes by a name that says neither model nor key', () => {
    expect(setName('qwen', 'key')).toMatch(/^[0-9a-f]{16}-[0-9a-f]{16}$/);
    expect(setName('qwen', 'other').split('-')[0]).toBe(modelDigest('qwen'));
    expect(setName('qwen', 'other')).not.toBe(setName('qwen', 'key'));
    expect(setName('other', 'key')).not.toBe(setName('qwen', 'key'));
  });
});

describe('the sample of a file', () => {
  const file = (): string => path.join(set, fileName);

  it.each([1, 4096, 4097, 1_000_000])('tells %d bytes from others of that size, and from fewer', async (size) => {
    const bytes = Buffer.alloc(size, 'a');
    await writeFile(file(), bytes);
    const sealed = await sealSlotFile(file());
    expect(sealed.sizeBytes).toBe(size);
    expect(await sampleFile(file())).toEqual(sealed);
    for (const at of [0, size - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = 0;
      await writeFile(file(), changed);
      expect((await sampleFile(file())).sample, `byte ${at}`).not.toBe(sealed.sample);
    }
    await writeFile(file(), bytes);
    await truncate(file(), size - 1);
    expect((await sampleFile(file())).sample).not.toBe(sealed.sample);
  });

  it('notices a stretch that never reached the disk', async () => {
    await writeFile(file(), Buffer.alloc(1_000_000, 'a'));
    const { sample } = await sealSlotFile(file());
    const changed = Buffer.alloc(1_000_000, 'a').fill(0, 500_000, 520_000);
    await writeFile(file(), changed);
    expect((await sampleFile(file())).sample).not.toBe(sample);
  });
});

it('finds the files that arguments name', async () => {
  const [lora, control] = [path.join(folder, 'a.gguf'), path.join(folder, 'b.gguf')];
  await writeFile(lora, 'ab');
  await writeFile(control, 'c');
  const stamps = await readStamps([
    '--lora',
    `${lora}:0.5`,
    `--control-vector=${control}`,
    lora,
    '--ctx-size',
    '4096',
    '/',
  ]);
  expect(stamps.map(({ path: found, sizeBytes }) => [found, sizeBytes])).toEqual([
    [lora, 2],
    [control, 1],
  ]);
});
