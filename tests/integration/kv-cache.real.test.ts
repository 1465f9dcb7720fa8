import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { GgufValue } from '../../electron/engine/catalog/gguf-writer.ts';
import { sampleFile } from '../../electron/engine/supervisor/kv-cache-files.ts';
import { buildAttentiveModel } from './support/attentive-model.ts';
import { createTestFolder, eventually, startCorral, type TestCorral, type TestFolder } from './support/corral.ts';
import { writeModelShape, writeProjectorShape, type ModelShape, type ProjectorShape } from './support/model-shapes.ts';
import { ensureRealLlamaServer } from './support/real-llama-server.ts';

const secret = 'the goat eats at dawn';
const long = `${secret}. ${'It was a quiet year on the farm, and the hens had much to say. '.repeat(12)}`;
const other = `Nobody came. ${'Rain fell on the roof of the old barn, and the fence was never mended. '.repeat(12)}`;

let llamaServer: string;
let folder: TestFolder;
let file: string;
let corral: TestCorral | undefined;

beforeAll(async () => {
  llamaServer = await ensureRealLlamaServer();
});
beforeEach(async () => {
  folder = await createTestFolder();
  file = await folder.write('attentive.gguf', buildAttentiveModel());
  corral = undefined;
});
afterEach(() => (corral === undefined ? folder.dispose() : corral.stop()));

interface Answer {
  readonly text: string;
  readonly logprobs: readonly number[];
  /** Tokens of the prompt that were known, and that had to be calculated. */
  readonly cached: number;
  readonly evaluated: number;
}

// Threads that wait for one another are slow where other programs calculate.
const options = { contextSize: 8192, parallel: 2, keepKvCache: true, args: ['--threads', '1'] };

async function start(models: Record<string, Record<string, unknown>>, memory: Record<string, unknown> = {}) {
  const withFile = Object.fromEntries(Object.entries(models).map(([id, more]) => [id, { file, ...options, ...more }]));
  corral = await startCorral({ engine: { path: llamaServer }, memory, models: withFile }, { folder });
  const running = corral;
  const ask = async (model: string, ...messages: string[]): Promise<Answer> => {
    const response = await running.post('/v1/chat/completions', {
      ...{ model, temperature: 0, max_tokens: 16, logprobs: true },
      messages: messages.map((content) => ({ role: 'user', content })),
    });
    const body = (await response.json()) as {
      choices: [{ message: { content: string }; logprobs: { content: { logprob: number }[] } }];
      timings: { cache_n: number; prompt_n: number };
    };
    expect(response.status, JSON.stringify(body)).toBe(200);
    const [choice] = body.choices;
    return {
      text: choice.message.content,
      logprobs: choice.logprobs.content.map(({ logprob }) => logprob),
      cached: body.timings.cache_n,
      evaluated: body.timings.prompt_n,
    };
  };
  const eject = async (model: string): Promise<void> => {
    await running.bridge.call('eject-model', { model, mode: 'after-queue' });
    await eventually('it is unloaded', () => running.model(model).state === 'off');
  };
  return { ...running, ask, eject, log: (source: string) => readLog(running, source) };
}

/** Complete sets, with the names and sizes of the files of slots in them. */
async function savedSets(root = path.join(folder.path, 'data', 'kv-cache')) {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const sets = await Promise.all(
    names.map(async (name) => {
      const files = (await readdir(path.join(root, name))).map((each) => path.join(root, name, each));
      // One that is being written is renamed at any moment.
      const sizes = await Promise.all(files.map(async (each) => (await stat(each).catch(() => undefined))?.size ?? 0));
      const slotFiles = files.filter((each) => each.endsWith('.kv'));
      return {
        folder: path.join(root, name),
        files,
        slotFiles,
        isComplete: files.some((each) => path.basename(each) === 'saved.json'),
        sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      };
    }),
  );
  return sets.filter(({ isComplete }) => isComplete);
}

async function savedSet() {
  await eventually('the set is complete', async () => (await savedSets()).length === 1);
  const [set] = await savedSets();
  if (set === undefined) throw new Error('there is no set');
  return set;
}

describe('a conversation over an eject', () => {
  it('goes on without its prompt being calculated again, with the same answer', async () => {
    const { ask, eject } = await start({ kept: {}, stays: {}, off: { keepKvCache: false } });
    const first = await ask('stays', long);
    expect(first.cached).toBe(0);
    const expected = await ask('stays', long, 'And then?');
    expect((await ask('stays', other, 'And then?')).text, 'the model does not care what was said').not.toBe(
      expected.text,
    );

    expect((await ask('kept', long)).text).toBe(first.text);
    await eject('kept');
    const answer = await ask('kept', long, 'And then?');
    expect(answer).toEqual(expected);
    expect(answer.cached).toBeGreaterThan(long.length);
    expect(answer.evaluated).toBeLessThan(20);

    await ask('off', long);
    await eject('off');
    expect((await ask('off', long, 'And then?')).cached).toBe(0);
  });

  it('is there for each slot, and again after a restart of Corral and unused in between', async () => {
    const { ask, eject, bridge } = await start({ kept: {} });
    await ask('kept', long);
    await ask('kept', other);
    await eject('kept');
    expect((await savedSet()).slotFiles).toHaveLength(2);
    // Loaded and unloaded without a request: nothing is lost.
    await bridge.call('load-model', { model: 'kept' });
    await corral?.engine.stop();

    const again = await start({ kept: {} });
    const [one, two] = [await again.ask('kept', long, 'And?'), await again.ask('kept', other, 'And?')];
    expect(one.cached).toBeGreaterThan(long.length);
    expect(two.cached).toBeGreaterThan(other.length);
    expect(await again.log('kept')).toMatch(/restored 2 conversations \(\d+ tokens, /);
  });

  it('is there for each slot where llama-server decides how many there are', async () => {
    const { ask, eject } = await start({ kept: { parallel: undefined } });
    await ask('kept', long);
    await ask('kept', other);
    await eject('kept');
    expect((await ask('kept', long, 'And?')).cached).toBeGreaterThan(long.length);
    expect((await ask('kept', other, 'And?')).cached).toBeGreaterThan(other.length);
  });

  it('is kept when room is made, when the model is idle, and over a change of settings that leaves it valid', async () => {
    const { ask, bridge, model } = await start({ one: {}, two: { ttl: '100ms' } }, { maxLoaded: 1 });
    await ask('one', long);
    await ask('two', long);
    expect(model('one').lastExit?.askedBy).toBe('makes room for two');
    await eventually('it is idle for long enough', () => model('two').state === 'off');
    expect((await ask('two', long, 'And?')).cached).toBeGreaterThan(long.length);
    expect((await ask('one', long, 'And?')).cached).toBeGreaterThan(long.length);

    const kept = { file, ...options, embeddings: false, devices: [] };
    await writeFile(
      path.join(folder.path, 'config.yaml'),
      stringify({ engine: { path: llamaServer }, models: { one: { ...kept, gpuLayers: 0 } } }),
    );
    await eventually('it is replaced', () => model('one').state === 'off');
    await bridge.call('load-model', { model: 'one' });
    expect(model('one').commandLine).toContain('--n-gpu-layers');
    expect((await ask('one', long, 'And?')).cached).toBeGreaterThan(long.length);
  });

  it('is not saved with requests running, and what was saved before outlives a crash', async () => {
    const { ask, eject, post, bridge, model } = await start({ kept: {} });
    await ask('kept', long);
    await eject('kept');
    const before = await savedSet();
    const running = await post('/v1/completions', { model: 'kept', prompt: other, max_tokens: 8000, stream: true });
    await running.body?.getReader().read();
    await bridge.call('eject-model', { model: 'kept', mode: 'now' });
    await eventually('it is unloaded', () => model('kept').state === 'off');
    expect((await savedSet()).slotFiles).toEqual(before.slotFiles);

    await bridge.call('load-model', { model: 'kept' });
    process.kill(model('kept').pid ?? 0, 'SIGKILL');
    await eventually('it has crashed', () => model('kept').state === 'crashed');
    await eventually('it may start again', async () => (await ask('kept', long, 'And?')).cached > long.length, 15_000);
  });
});

describe('a model whose cache is more than that of a plain one', () => {
  const shape: ModelShape = {
    ...{ architecture: 'gemma2', layers: 4, embedding: 256, heads: 4, kvHeads: 4, headSize: 64, feedForward: 256 },
    ...{ vocabulary: 1024, contextLength: 8192, isOutputTied: true },
  };
  const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
  const recurrent: ModelShape = {
    ...{ ...shape, architecture: 'mamba', heads: 0, kvHeads: 0, headSize: 0, feedForward: 0 },
    extra: {
      'ssm.conv_kernel': uint32(4),
      'ssm.inner_size': uint32(512),
      'ssm.state_size': uint32(16),
      'ssm.time_step_rank': uint32(16),
    },
  };
  const image = {
    layers: 1,
    embedding: 64,
    heads: 1,
    feedForward: 64,
    imageSize: 56,
    patchSize: 14,
    modelEmbedding: 256,
  };

  it.each<[string, ModelShape, ProjectorShape | undefined]>([
    ['a sliding window', { ...shape, slidingWindow: 256 }, undefined],
    ['a recurrent state', recurrent, undefined],
    ['a projector, as long as there are no images,', { ...shape, architecture: 'gemma3', slidingWindow: 256 }, image],
  ])('with %s goes on, too', async (_, modelShape, projectorShape) => {
    const shapeFile = path.join(folder.path, 'shape.gguf');
    await writeModelShape(shapeFile, modelShape);
    const mmproj = path.join(folder.path, 'mmproj.gguf');
    if (projectorShape !== undefined) await writeProjectorShape(mmproj, projectorShape);
    const more = projectorShape === undefined ? {} : { mmproj };
    const { eject, post } = await start({ shaped: { file: shapeFile, ...more } });
    const cachedOf = async (...end: number[]): Promise<number> => {
      const prompt = [...Array.from({ length: 1000 }, (__, index) => 300 + (index % 600)), ...end];
      const response = await post('/completion', { model: 'shaped', prompt, n_predict: 1, temperature: 0 });
      return ((await response.json()) as { timings: { cache_n: number } }).timings.cache_n;
    };
    expect(await cachedOf(300)).toBe(0);
    await eject('shaped');
    expect(await cachedOf(300, 301, 302)).toBeGreaterThan(900);
  });
});

describe('saved conversations that cannot be used', () => {
  /** Makes the list say of a file what is true of it now. */
  async function relist(set: Awaited<ReturnType<typeof savedSet>>): Promise<void> {
    const listFile = path.join(set.folder, 'saved.json');
    const list = JSON.parse(await readFile(listFile, 'utf8')) as { slots: { file: string }[] };
    for (const slot of list.slots) Object.assign(slot, await sampleFile(path.join(set.folder, slot.file)));
    await writeFile(listFile, JSON.stringify(list));
  }

  type SavedSet = Awaited<ReturnType<typeof savedSet>>;
  const damages: [name: string, damage: (set: SavedSet, slotFile: string) => Promise<void>, warning: RegExp][] = [
    ['cut off', (_, slotFile) => truncate(slotFile, 1000), /its file is damaged/],
    ['missing', (_, slotFile) => rm(slotFile), /ENOENT/],
    [
      'filled with something else',
      async (_, slotFile) => writeFile(slotFile, Buffer.alloc((await stat(slotFile)).size, 'x')),
      /its file is damaged/,
    ],
    [
      'refused by llama-server',
      async (set, slotFile) => {
        await writeFile(slotFile, Buffer.alloc((await stat(slotFile)).size, 'x'));
        await relist(set);
      },
      /llama-server answered 400: Unable to restore slot/,
    ],
    [
      'cut off where llama-server has to notice it',
      async (set, slotFile) => {
        await truncate(slotFile, Math.floor((await stat(slotFile)).size / 2));
        await relist(set);
      },
      /llama-server answered 400: Unable to restore slot/,
    ],
  ];

  it.each(damages)('cost a warning and a new calculation: a file that is %s', async (_, damage, warning) => {
    const { ask, eject, log, model } = await start({ kept: {} });
    const first = await ask('kept', long);
    await eject('kept');
    const set = await savedSet();
    const [slotFile = ''] = set.slotFiles;
    await damage(set, slotFile);
    const again = await ask('kept', long);
    expect(again.cached).toBe(0);
    expect(again.text).toBe(first.text);
    expect(model('kept').lastExit).toMatchObject({ exitCode: 0, askedBy: 'eject' });
    expect(await log('kept')).toMatch(warning);
    expect(corral?.logLines.join('\n')).toMatch(/was not restored and is removed/);
    await eventually('the file is gone', async () => (await savedSets()).length === 0);
  });

  it('are those of a save or a restore that was killed in the middle', async () => {
    const { ask, eject, log } = await start({ kept: {} });
    await ask('kept', long);
    await eject('kept');
    const set = await savedSet();
    // As a restore leaves it at which Corral or llama-server dies; and a slot's file without its list, as a save does.
    await rename(path.join(set.folder, 'saved.json'), path.join(set.folder, 'restoring.json'));
    expect((await ask('kept', long)).cached).toBe(0);
    expect(await log('kept')).not.toMatch(/restored/);
    await eventually(
      'the files are gone',
      async () => !(await readdir(set.folder)).some((name) => name.endsWith('.kv')),
    );
  });

  it('are those of a file, a context size or a cache type that is another one now', async () => {
    const first = await start({ kept: {} });
    await first.ask('kept', long);
    await first.eject('kept');
    const [before] = await savedSets();
    for (const change of [
      { contextSize: 4096 },
      { kvCacheType: 'f32' },
      { file: await folder.write('b.gguf', buildAttentiveModel()) },
    ]) {
      await corral?.engine.stop();
      const { ask } = await start({ kept: change });
      expect((await ask('kept', long)).cached, JSON.stringify(change)).toBe(0);
    }
    await corral?.engine.stop();
    await start({ kept: {} });
    expect((await savedSet()).folder, 'one set a model').not.toBe(before?.folder);
  });
});

describe('what is kept on disk', () => {
  it('is bounded, and the oldest goes first', async () => {
    const { ask, eject, log } = await start({ one: {}, two: {}, three: {} }, { kvCache: { maxSize: '1500kB' } });
    for (const model of ['one', 'two', 'three']) {
      await ask(model, long);
      await eject(model);
      await eventually('it is saved', async () => (await log(model)).includes('saved 1 conversation'));
    }
    await eventually('the oldest is gone', async () => (await savedSets()).length === 2);
    const total = (await savedSets()).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(total).toBeGreaterThan(500_000);
    expect(total).toBeLessThanOrEqual(1_500_000);
    expect((await ask('two', long)).cached).toBeGreaterThan(0);
    expect((await ask('three', long)).cached).toBeGreaterThan(0);
    expect((await ask('one', long)).cached).toBe(0);
  });

  it('is nothing of a conversation that alone is larger than the bound', async () => {
    const { ask, eject, log } = await start({ kept: {} }, { kvCache: { maxSize: '1MB' } });
    await ask('kept', long.repeat(2));
    await ask('kept', other);
    await eject('kept');
    expect(await log('kept')).toMatch(/does not fit into memory.kvCache.maxSize/);
    expect((await savedSet()).slotFiles).toHaveLength(1);
    expect((await ask('kept', other)).cached).toBeGreaterThan(0);
  });

  it('is nothing for models that are switched off or gone, and nothing else is touched', async () => {
    const kvFolder = path.join(folder.path, 'mine');
    const keepsake = await folder.write('keepsake.txt', 'x');
    await mkdir(kvFolder);
    await rename(keepsake, path.join(kvFolder, 'keepsake.txt'));
    const { ask, eject, model } = await start({ kept: {}, gone: {} }, { kvCache: { folder: kvFolder } });
    for (const id of ['kept', 'gone']) {
      await ask(id, long);
      await eject(id);
    }
    await eventually('both are saved', async () => (await savedSets(kvFolder)).length === 2);
    await writeFile(
      path.join(folder.path, 'config.yaml'),
      stringify({
        engine: { path: llamaServer },
        memory: { kvCache: { folder: kvFolder } },
        models: { kept: { file, ...options, keepKvCache: false } },
      }),
    );
    await eventually('both are removed', async () => (await readdir(kvFolder)).join() === 'keepsake.txt');
    await ask('kept', long);
    await eject('kept');
    expect(model('kept').commandLine ?? []).not.toContain('--slot-save-path');
    expect(await readdir(kvFolder)).toEqual(['keepsake.txt']);
  });

  it('is out of reach of clients, who may erase a slot and nothing else', async () => {
    const { ask, post } = await start({ kept: {}, off: { keepKvCache: false } });
    await ask('kept', long);
    await ask('off', long);
    for (const route of ['/slots/0?model=kept&action=save', '/upstream/kept/%73lots/0?action=save']) {
      const response = await post(route, { filename: 'mine.kv' });
      expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('only be erased')]);
    }
    expect((await post('/slots/0?model=kept&action=erase', {})).status).toBe(200);
    expect((await post('/slots/0?model=off&action=save', { filename: 'mine.kv' })).status, 'llama-server says no').toBe(
      501,
    );
  });

  it('is in no log, snapshot or list', async () => {
    const { ask, eject, log, engine } = await start({ kept: {} }, {});
    await ask('kept', long);
    await eject('kept');
    const set = await savedSet();
    await ask('kept', long, 'And?');
    const list = await readFile(path.join(set.folder, 'saved.json'), 'utf8');
    const told = [
      JSON.stringify(engine.snapshot()),
      await log('kept'),
      await log('corral'),
      list,
      corral?.logLines.join(),
    ];
    for (const text of told) expect(text).not.toContain(secret);
    expect(set.folder).not.toContain('kept');
  });
});

async function readLog({ bridge }: TestCorral, source: string): Promise<string> {
  const { lines } = await bridge.call('read-logs', { source, limit: 10_000 });
  return lines.map(({ text }) => text).join('\n');
}
