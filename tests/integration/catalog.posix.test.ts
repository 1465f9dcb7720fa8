import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createTestFolder, eventually, fakeModel, type TestFolder } from './support/corral.ts';
import { startCorralProcess, type CorralProcess } from './support/corral-process.ts';
import { writeFakeEngine } from './support/fake-server-command.ts';
import { writeModelShape, writeProjectorShape, type ModelShape } from './support/model-shapes.ts';

/** As processes, since model files are read by the built worker. The fake engine is a script. */

const shape: ModelShape = {
  architecture: 'llama',
  layers: 3,
  embedding: 64,
  heads: 2,
  kvHeads: 2,
  headSize: 32,
  feedForward: 128,
  vocabulary: 300,
  contextLength: 4096,
};

const projector = { layers: 2, embedding: 64, heads: 2, feedForward: 128, imageSize: 56, patchSize: 14 };

let folder: TestFolder;
let corral: CorralProcess | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
});
afterEach(async () => {
  await corral?.end('SIGTERM');
  corral = undefined;
  await folder.dispose();
});

describe('the catalog', () => {
  it('tells what is known of each model file, and in plain words what is wrong with it', async () => {
    await writeModelShape(path.join(folder.path, 'good.gguf'), shape);
    await folder.write('text.gguf', 'this is no model');
    const engine = await writeFakeEngine(path.join(folder.path, 'bin'));
    corral = await startCorralProcess(folder, {
      engine: { path: engine },
      models: {
        good: { file: 'good.gguf' },
        blind: { file: 'good.gguf', mmproj: 'no-projector.gguf' },
        wrong: { file: 'good.gguf', mmproj: 'good.gguf' },
        gone: { file: 'gone.gguf' },
        text: { file: 'text.gguf' },
        other: fakeModel(),
      },
    });
    const { models } = await corral.bridge.call('read-catalog', {});
    expect(models.map(({ id }) => id)).toEqual(['good', 'blind', 'wrong', 'gone', 'text']);
    const [good, blind, wrong, gone, text] = models;
    expect(good).toMatchObject({
      isDemo: false,
      file: path.join(folder.path, 'good.gguf'),
      mmproj: null,
      metadata: { architecture: 'llama', kind: 'language', partCount: 1, layerCount: 3, trainedContextSize: 4096 },
      problem: null,
    });
    expect(good?.metadata?.fileBytes).toBeGreaterThan(10_000);
    expect(blind?.metadata?.architecture).toBe('llama');
    expect(blind?.problem).toMatch(/no-projector\.gguf could not be read \(ENOENT\)/);
    expect(wrong?.problem).toMatch(/good\.gguf is no projector/);
    expect(gone).toMatchObject({ metadata: null });
    expect(gone?.problem).toMatch(/gone\.gguf could not be read \(ENOENT\)\. Check that it is there/);
    expect(text).toMatchObject({ metadata: null });
    expect(text?.problem).toMatch(/text\.gguf/);
  });

  it('is in the list of models too, as far as it was read: sizes of all files, what models take and give', async () => {
    const file = (name: string): string => path.join(folder.path, name);
    await writeModelShape(file('good.gguf'), shape);
    await writeProjectorShape(file('eyes.gguf'), { ...projector, modelEmbedding: shape.embedding });
    await folder.write('text.gguf', 'this is no model');
    await mkdir(file('found'));
    await writeModelShape(file('found/seen.gguf'), shape);
    await writeProjectorShape(file('found/mmproj.gguf'), { ...projector, modelEmbedding: shape.embedding });
    corral = await startCorralProcess(folder, {
      engine: { autoInstall: false },
      catalog: { folders: ['found'] },
      models: {
        good: { file: 'good.gguf' },
        seeing: { file: 'good.gguf', mmproj: 'eyes.gguf' },
        vectors: { file: 'good.gguf', embeddings: true },
        text: { file: 'text.gguf' },
        other: fakeModel(),
      },
    });
    const { address } = corral;
    const list = async (): Promise<Map<string, Record<string, unknown>>> => {
      const { data } = (await (await fetch(`${address}/v1/models`)).json()) as {
        data: { id: string; corral: Record<string, unknown> }[];
      };
      return new Map(data.map((model) => [model.id, model.corral]));
    };
    await eventually('the last is known', async () => (await list()).get('seen')?.['size_bytes'] !== undefined, 10_000);
    const [{ size: ofModel }, { size: ofEyes }] = await Promise.all([stat(file('good.gguf')), stat(file('eyes.gguf'))]);
    const models = await list();
    const facts = (id: string): unknown[] => ['size_bytes', 'modalities'].map((key) => models.get(id)?.[key]);
    expect(facts('good')).toEqual([ofModel, { input: ['text'], output: ['text'] }]);
    expect(facts('seeing')).toEqual([ofModel + ofEyes, { input: ['text', 'image'], output: ['text'] }]);
    expect(facts('seen')).toEqual(facts('seeing'));
    expect(facts('vectors')).toEqual([ofModel, { input: ['text'], output: ['embeddings'] }]);
    expect(facts('text')).toEqual([undefined, undefined]);
    expect(facts('other')).toEqual([undefined, undefined]);
  });

  it('tells the builds there are, which one is in use, and where each came from', async () => {
    await writeModelShape(path.join(folder.path, 'good.gguf'), shape);
    const engine = await writeFakeEngine(path.join(folder.path, 'bin'));
    const onPath = await writeFakeEngine(path.join(folder.path, 'on-path'));
    const installed = path.join(folder.path, 'data', 'engines', 'b42');
    await mkdir(installed, { recursive: true });
    const executable = await writeFakeEngine(installed);
    const marker = { source: 'a test', version: 'b42', installedAtMs: 1000, executable: 'llama-server' };
    await writeFile(path.join(installed, 'corral-build.json'), JSON.stringify(marker));
    const running = await startCorralProcess(
      folder,
      { engine: { path: engine }, models: { good: { file: 'good.gguf' } } },
      ['--port', '0'],
      [],
      { PATH: `${path.dirname(onPath)}:${process.env['PATH'] ?? ''}` },
    );
    corral = running;
    // The version is known once a model's need was worked out; nothing is run for the catalog.
    await eventually(
      'the build was looked at',
      async () => {
        const { builds } = await running.bridge.call('read-catalog', {});
        return builds[0]?.version !== null && builds[0]?.isInUse === true;
      },
      10_000,
    );
    const { builds } = await running.bridge.call('read-catalog', {});
    expect(builds).toEqual([
      {
        id: engine,
        executable: engine,
        origin: 'config',
        version: expect.any(String) as string,
        source: null,
        installedAt: null,
        isInUse: true,
      },
      {
        id: onPath,
        executable: onPath,
        origin: 'path',
        version: null,
        source: null,
        installedAt: null,
        isInUse: false,
      },
      {
        id: 'b42',
        executable,
        origin: 'installed',
        version: 'b42',
        source: 'a test',
        installedAt: 1000,
        isInUse: false,
      },
    ]);
  });

  it('has the demo model while there is no other, and prints where the window is', async () => {
    const engine = await writeFakeEngine(path.join(folder.path, 'bin'));
    corral = await startCorralProcess(folder, { engine: { path: engine } });
    const { models } = await corral.bridge.call('read-catalog', {});
    expect(models).toMatchObject([{ isDemo: true, problem: null, metadata: { architecture: 'llama' } }]);
    const running = corral;
    await eventually('the banner', () => /Window: /.test(running.output()));
    const [, address, token] = /Window: (\S+)\/ui\/#token=(\S+)/.exec(running.output()) ?? [];
    expect(address).toBe(running.address);
    const answer = await fetch(`${running.address}/control/commands/get-snapshot`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token ?? ''}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(200);
    await answer.text();
  });
});
