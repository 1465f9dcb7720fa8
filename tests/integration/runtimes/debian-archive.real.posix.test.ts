import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoSentence, ensureDemoModel } from '../../../electron/engine/catalog/demo-model.ts';
import { createDebianArchiveSource, parseOsReleaseId } from '../../../electron/engine/runtimes/debian-archive.ts';
import { findEngine } from '../../../electron/engine/runtimes/find-engine.ts';
import { startLlamaServer } from '../support/llama-server-process.posix.ts';

const { signal } = new AbortController();

async function isDebianItself(): Promise<boolean> {
  try {
    return parseOsReleaseId(await readFile('/etc/os-release', 'utf8')) === 'debian';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

const isDebian = await isDebianItself();

describe("the engine from Debian's archive", () => {
  let folder: string;
  beforeEach(async () => {
    // The space makes sure that no path goes through a shell.
    folder = await mkdtemp(path.join(tmpdir(), 'corral engine '));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  if (isDebian) {
    it('is installed and answers with the demo model', { timeout: 240_000 }, async () => {
      const source = createDebianArchiveSource({ env: process.env });
      expect(await source.isAvailable(signal)).toBe(true);
      const installFolder = path.join(folder, 'engines');
      const steps = new Set<string>();
      const startedMs = performance.now();
      const build = await source.install({ folder: installFolder, signal, onProgress: (step) => steps.add(step) });
      const installedMs = performance.now();

      expect([...steps]).toEqual([
        'Reading the list of packages',
        'Downloading llama-server',
        'Unpacking llama-server',
      ]);
      expect(await readdir(installFolder)).toEqual([build.id]);
      expect(
        await findEngine({ configuredPath: 'auto', searchPath: '', installFolder, platform: process.platform }),
      ).toEqual(build);

      const model = await ensureDemoModel(path.join(folder, 'models'));
      const server = await startLlamaServer(build.executable, model, folder);
      try {
        const answer = await server.ask('/v1/chat/completions', {
          messages: [{ role: 'user', content: 'Who is there?' }],
        });
        expect(answer).toMatchObject({ choices: [{ finish_reason: 'stop', message: { content: demoSentence } }] });
      } finally {
        await server.stop();
      }
      const answeredMs = performance.now();
      console.log(
        `installed in ${((installedMs - startedMs) / 1000).toFixed(1)} s, ` +
          `answered and stopped ${((answeredMs - installedMs) / 1000).toFixed(2)} s later`,
      );
    });

    it('leaves nothing behind when it is aborted', { timeout: 30_000 }, async () => {
      const source = createDebianArchiveSource({ env: process.env });
      const abort = new AbortController();
      const reason = new Error('changed my mind');
      const installing = source.install({
        folder,
        signal: abort.signal,
        onProgress: () => abort.abort(reason),
      });
      await expect(installing).rejects.toBe(reason);
      expect(await readdir(folder)).toEqual([]);
    });

    it('says what to do when the mirror cannot be reached', { timeout: 60_000 }, async () => {
      // Port 9 (discard) has no listener on any machine of this century.
      const aptFolder = path.join(folder, 'apt');
      await mkdir(aptFolder);
      await writeFile(path.join(aptFolder, 'sources.list'), 'deb http://127.0.0.1:9/debian stable main\n');
      const source = createDebianArchiveSource({ env: process.env, aptFolder });
      const installFolder = path.join(folder, 'engines');
      const installing = source.install({ folder: installFolder, signal, onProgress: () => undefined });
      await expect(installing).rejects.toMatchObject({
        code: 'engine-missing',
        message: expect.stringMatching(
          /could not be fetched from Debian's archive: `apt-get update`.*`engine\.path`/s,
        ) as string,
      });
      expect(await readdir(installFolder)).toEqual([]);
    });
  } else {
    it('is not offered on a system that is not Debian itself', async () => {
      expect(await createDebianArchiveSource({ env: process.env }).isAvailable(signal)).toBe(false);
    });
  }
});
