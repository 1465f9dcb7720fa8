import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeServerArgs, fakeServerScript, writeFakeEngine } from './support/fake-server-command.ts';
import type { FakeServerFlags } from './support/fake-server-command.ts';

let folder = '';
const groups: number[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fake-llama-'));
});

afterEach(async () => {
  for (const group of groups.splice(0)) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  await rm(folder, { recursive: true });
});

/** Starts the fake as the leader of its own group and waits for its ready line. */
async function startGroup(flags: FakeServerFlags, args: readonly string[] = ['--port', '0']) {
  const child = spawn(process.execPath, [fakeServerScript, ...args, ...fakeServerArgs(flags)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  groups.push(child.pid!);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await expect.poll(() => text, { timeout: 8000 }).toContain('listening on');
  return { child, output: () => text, exit: once(child, 'exit') };
}

/** Signal 0 would also find a zombie, which is what an orphan stays where process 1 reaps nobody (many containers). */
async function isAlive(pid: number): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]);
    return !stdout.trim().startsWith('Z');
  } catch (error) {
    // ps exits 1 when there is no such process.
    if ((error as { code?: unknown }).code === 1) return false;
    throw error;
  }
}

describe('the fake llama-server on POSIX', () => {
  it('exits 0 promptly on SIGTERM', async () => {
    const { child, exit } = await startGroup({});
    const startMs = performance.now();
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('ignores SIGTERM when told to', async () => {
    const { child, exit } = await startGroup({ ignoreSigterm: true });
    child.kill('SIGTERM');
    await sleep(200);
    expect(child.exitCode).toBeNull();
    child.kill('SIGKILL');
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  it('leaves a grandchild behind that the group reaches', async () => {
    const { child, output, exit } = await startGroup({ forkGrandchild: true });
    await expect.poll(output).toMatch(/grandchild pid \d+/);
    const grandchild = Number(/grandchild pid (\d+)/.exec(output())![1]);
    child.kill('SIGTERM');
    await exit;
    expect(await isAlive(grandchild)).toBe(true);
    process.kill(-child.pid!, 'SIGTERM');
    await expect.poll(() => isAlive(grandchild)).toBe(false);
  });

  it('blocks while nobody reads its flood, and goes on when somebody does', async () => {
    const { child, output } = await startGroup({ floodStdout: 'max' });
    child.stdout.pause();
    await sleep(300);
    const before = output().length;
    await sleep(200);
    expect(output().length).toBe(before);
    child.stdout.resume();
    await expect.poll(() => output().length).toBeGreaterThan(before + 1_000_000);
  });

  it('listens on a Unix socket, leaves the file behind, and refuses an existing one', async () => {
    const socketPath = path.join(folder, 'a.sock');
    const { child, output, exit } = await startGroup({}, ['--host', socketPath]);
    expect(output()).toContain(`listening on unix://${socketPath}`);
    const request = httpRequest({ socketPath, path: '/health', agent: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
    child.kill('SIGTERM');
    await exit;
    expect((await stat(socketPath)).isSocket()).toBe(true);
    const again = promisify(execFile)(process.execPath, [fakeServerScript, '--host', socketPath]);
    await expect(again).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("couldn't bind") as string });
  });

  it('poses as an executable named llama-server', async () => {
    const executable = await writeFakeEngine(path.join(folder, "it's here"));
    const { stderr } = await promisify(execFile)(executable, ['--version']);
    expect(stderr).toContain('build 11669');
  });
});
