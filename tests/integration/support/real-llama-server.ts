import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDebianArchiveSource } from '../../../electron/engine/runtimes/debian-archive.ts';
import { findEngine } from '../../../electron/engine/runtimes/find-engine.ts';

const lockWaitMs = 6 * 60_000;
const pollMs = 200;

/**
 * The path of a real llama-server: `CORRAL_LLAMA_SERVER`, else the one on the PATH, else one from Debian's archive that
 * is installed once into the cache folder of the user and shared by all test runs. Throws an error with the command to
 * run where there is no way to get one. Several test workers may call it at once.
 */
export async function ensureRealLlamaServer(): Promise<string> {
  const configured = process.env['CORRAL_LLAMA_SERVER'];
  const cacheFolder = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'corral-tests');
  const installFolder = path.join(cacheFolder, 'engines');
  const find = async (): Promise<string | undefined> => {
    const build = await findEngine({
      configuredPath: configured === undefined ? 'auto' : path.resolve(configured),
      searchPath: process.env['PATH'] ?? '',
      installFolder,
      platform: process.platform,
    });
    return build?.executable;
  };

  const found = await find();
  if (found !== undefined) return found;
  const source = createDebianArchiveSource({ env: process.env });
  const { signal } = new AbortController();
  if (!(await source.isAvailable(signal))) {
    throw new Error(
      'These tests need a real llama-server. Install llama.cpp (`brew install llama.cpp`, `winget install llama.cpp`, or ' +
        'a release from https://github.com/ggml-org/llama.cpp/releases) so that llama-server is on the PATH, and run ' +
        '`npm test` again; or run `CORRAL_LLAMA_SERVER=/path/to/llama-server npm test`.',
    );
  }
  await mkdir(cacheFolder, { recursive: true });
  const release = await acquireLock(path.join(cacheFolder, 'engines.lock'));
  try {
    const installedMeanwhile = await find();
    if (installedMeanwhile !== undefined) return installedMeanwhile;
    const build = await source.install({ folder: installFolder, signal, onProgress: () => undefined });
    return build.executable;
  } finally {
    await release();
  }
}

/** A folder can be made by one process only. A lock whose holder has died is put out of the way. */
async function acquireLock(lockFolder: string): Promise<() => Promise<void>> {
  const deadlineMs = performance.now() + lockWaitMs;
  for (;;) {
    try {
      await mkdir(lockFolder);
      await writeFile(path.join(lockFolder, 'pid'), String(process.pid));
      return () => rm(lockFolder, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (performance.now() > deadlineMs)
      throw new Error(`Another test run holds ${lockFolder}; remove it if none runs.`);
    if (await isStale(lockFolder)) {
      const aside = `${lockFolder}.stale-${process.pid}-${Date.now()}`;
      await ignoreMissing(rename(lockFolder, aside));
      await rm(aside, { recursive: true, force: true });
    } else {
      await sleep(pollMs);
    }
  }
}

async function isStale(lockFolder: string): Promise<boolean> {
  const pid = Number(await ignoreMissing(readFile(path.join(lockFolder, 'pid'), 'utf8')));
  if (Number.isInteger(pid) && pid > 0) return !isAlive(pid);
  // Its holder is between making the folder and writing its pid, or died there.
  const stats = await ignoreMissing(stat(lockFolder));
  return stats !== undefined && Date.now() - stats.mtimeMs > 10_000;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function ignoreMissing<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
