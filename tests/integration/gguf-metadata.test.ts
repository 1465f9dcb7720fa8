import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGgufMetadataReader, type GgufMetadataReader } from '../../electron/engine/catalog/gguf-metadata.ts';
import { writeModelShape, type ModelShape } from './support/model-shapes.ts';

/** As `npm run build` makes it; the global set-up of the tests has done so. */
const workerUrl = new URL('../../out/gguf-metadata-worker.js', import.meta.url);

const shape: ModelShape = {
  architecture: 'llama',
  layers: 2,
  embedding: 64,
  heads: 2,
  kvHeads: 2,
  headSize: 32,
  feedForward: 128,
  vocabulary: 300,
  contextLength: 4096,
};

let folder: string;
let reader: GgufMetadataReader;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-metadata-'));
  reader = createGgufMetadataReader({ workerUrl });
});
afterEach(async () => {
  await reader.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, contextLength: number): Promise<string> {
  const file = path.join(folder, name);
  await writeModelShape(file, { ...shape, contextLength });
  return file;
}

describe('the reader of model files', () => {
  it('reads many files at once in its thread, the same file once', async () => {
    const files = await Promise.all(
      Array.from({ length: 12 }, (_, index) => write(`${index}.gguf`, 256 * (index + 1))),
    );
    const found = await Promise.all(files.map((file) => reader.read(file)));
    expect(found.map(({ trainedContextSize }) => trainedContextSize)).toEqual(
      Array.from({ length: 12 }, (_, index) => 256 * (index + 1)),
    );
    const [first, again] = await Promise.all([reader.read(files[0]!), reader.read(files[0]!)]);
    expect(first).toBe(found[0]);
    expect(again).toBe(found[0]);
  });

  it('reads a file again once it has changed', async () => {
    const file = await write('model.gguf', 1024);
    expect((await reader.read(file)).trainedContextSize).toBe(1024);
    const before = await stat(file);
    await write('model.gguf', 2048);
    // The same size: only the time tells.
    await utimes(file, before.atime, new Date(before.mtimeMs + 5000));
    expect((await reader.read(file)).trainedContextSize).toBe(2048);
  });

  it('says what is wrong with a file, reads the next, and tries the same one again', async () => {
    const file = path.join(folder, 'broken.gguf');
    await writeFile(file, 'GGUF, but not really one, as can be seen');
    await expect(reader.read(file)).rejects.toMatchObject({
      name: 'AppError',
      code: 'start-failed',
      details: { file },
    });
    const missing = path.join(folder, 'missing.gguf');
    await expect(reader.read(missing)).rejects.toThrow(/missing\.gguf could not be read \(ENOENT\)/);
    await mkdir(path.join(folder, 'folder.gguf'));
    await expect(reader.read(path.join(folder, 'folder.gguf'))).rejects.toThrow(/not an ordinary file/);
    await write('broken.gguf', 512);
    expect((await reader.read(file)).trainedContextSize).toBe(512);
  });

  it('lets go of whoever stops waiting, and of everybody when it is closed', async () => {
    const file = await write('model.gguf', 1024);
    const gone = new AbortController();
    const waiting = reader.read(file, gone.signal);
    gone.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    await expect(reader.read(file, gone.signal)).rejects.toThrow('no longer wanted');
    expect((await reader.read(file)).trainedContextSize).toBe(1024);
    await reader.close();
    await expect(reader.read(file)).rejects.toMatchObject({ code: 'shutting-down' });
  });

  it('goes on with a new thread when one has died', async () => {
    const broken = createGgufMetadataReader({ workerUrl: new URL('data:text/javascript,process.exit(3)') });
    const file = await write('model.gguf', 1024);
    try {
      for (let attempt = 0; attempt < 2; attempt += 1) {
        await expect(broken.read(file)).rejects.toMatchObject({
          code: 'start-failed',
          message: expect.stringMatching(/model\.gguf could not be read: its reader ended with 3/) as string,
        });
      }
    } finally {
      await broken.close();
    }
  });
});
