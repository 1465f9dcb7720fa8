import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { acquireDataFolderLock, type DataFolderLock } from '../../../electron/engine/config/data-folder-lock.ts';
import { holdPipe } from '../../../electron/engine/config/data-folder-lock-windows.ts';

interface Contender {
  readonly child: ChildProcessWithoutNullStreams;
  readonly answer: { won: boolean; pid?: number; holder?: number; code?: string };
}

let buildFolder: string;
let folder: string;
let children: ChildProcessWithoutNullStreams[] = [];

beforeAll(async () => {
  buildFolder = await mkdtemp(join(tmpdir(), 'corral-lock-build-'));
  await build({
    entryPoints: [fileURLToPath(new URL('fixtures/lock-contender.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(buildFolder, 'contender.mjs'),
    logLevel: 'error',
  });
});
afterAll(() => rm(buildFolder, { recursive: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-lock-'));
});
afterEach(async () => {
  await Promise.all(children.map(kill));
  children = [];
  await rm(folder, { recursive: true });
});

async function kill(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function contend(startAtMs = 0, runtimeName = 'run'): Promise<Contender> {
  const script = join(buildFolder, 'contender.mjs');
  const child = spawn(process.execPath, [script, join(folder, 'data'), join(folder, runtimeName), String(startAtMs)]);
  children.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, answer: JSON.parse(line) as Contender['answer'] };
}

function acquire(options: { signal?: AbortSignal; data?: string } = {}): Promise<DataFolderLock> {
  const { signal, data = 'data' } = options;
  return acquireDataFolderLock({
    dataFolder: join(folder, data),
    runtimeFolder: join(folder, 'run'),
    platform: process.platform,
    pid: process.pid,
    ...(signal === undefined ? {} : { signal }),
  });
}

describe('acquireDataFolderLock', () => {
  it('lets one in, names it to the next, and lets that in after the release', async () => {
    const lock = await acquire();
    await expect(acquire()).rejects.toMatchObject({ code: 'already-running', details: { pid: process.pid } });
    await lock.release();
    await lock.release();
    expect(await readdir(join(folder, 'run'))).toEqual([]);
    const next = await acquire();
    await next.release();
  });

  it('knows the folder under another name, and with another runtime folder', async () => {
    const lock = await acquire();
    await symlink('data', join(folder, 'link'));
    await expect(acquire({ data: 'link' })).rejects.toMatchObject({ code: 'already-running' });
    expect((await contend(0, 'other-run')).answer).toMatchObject({ won: false, holder: process.pid });
    await lock.release();
  });

  it('tells the process id to whoever connects', async () => {
    const lock = await acquire();
    const [name] = await readdir(join(folder, 'run'));
    const socket = connect(join(folder, 'run', name!));
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toBe(`{"pid":${process.pid}}\n`);
    await lock.release();
  });

  it('takes over from a process that was killed, and tidies up', async () => {
    for (let round = 0; round < 8; round += 1) {
      const { child, answer } = await contend();
      expect(answer.won).toBe(true);
      await kill(child);
    }
    const lock = await acquire();
    expect((await readdir(join(folder, 'run'))).length).toBe(1);
    expect((await readdir(join(folder, 'data', 'lock'))).length).toBeLessThanOrEqual(5);
    await lock.release();
  });

  it('counts a holder that does not answer as alive', async () => {
    const { child, answer } = await contend();
    child.kill('SIGSTOP');
    await expect(acquire()).rejects.toMatchObject({ code: 'already-running' });
    child.kill('SIGCONT');
    expect(answer.won).toBe(true);
  });

  it('is released by the holder itself', async () => {
    const { child } = await contend();
    const exited = once(child, 'exit');
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
    const lock = await acquire();
    await lock.release();
  });

  it('stops when it is told to, leaving nothing', async () => {
    await expect(acquire({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(await readdir(join(folder, 'run'))).toEqual([]);
  });

  it(
    'has exactly one winner among eight that start together, fresh and over a dead one',
    { timeout: 60_000 },
    async () => {
      for (let round = 0; round < 6; round += 1) {
        const startAtMs = Date.now() + 700;
        const contenders = await Promise.all(Array.from({ length: 8 }, () => contend(startAtMs)));
        const winners = contenders.filter(({ answer }) => answer.won);
        expect(winners).toHaveLength(1);
        for (const { answer } of contenders) {
          if (!answer.won) expect(answer).toMatchObject({ code: 'already-running', holder: winners[0]?.answer.pid });
        }
        // Every other round the next one finds a socket that nobody listens on, or none.
        await Promise.all(contenders.map(({ child }) => kill(child)));
        if (round % 2 === 1) await rm(join(folder, 'run'), { recursive: true });
      }
    },
  );
});

describe('the lock over a pipe', () => {
  it('has one holder at a time', async () => {
    const options = { dataFolder: 'the-folder', pid: 42 };
    const pipe = join(folder, 'pipe');
    const lock = await holdPipe(pipe, options);
    await expect(holdPipe(pipe, options)).rejects.toMatchObject({ code: 'already-running', details: { pid: 42 } });
    await lock.release();
    await (await holdPipe(pipe, options)).release();
  });

  it('gives up on an address that stays taken though nobody answers', async () => {
    const pipe = join(folder, 'file');
    await writeFile(pipe, '');
    await expect(holdPipe(pipe, { dataFolder: 'x', pid: 1 })).rejects.toMatchObject({ code: 'already-running' });
  });
});
