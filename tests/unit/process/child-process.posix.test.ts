import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../electron/engine/ports/clock.ts';
import { readProcessIdentity as readIdentityDarwin } from '../../../electron/engine/process/process-identity-darwin.ts';
import { readProcessIdentity as readIdentityLinux } from '../../../electron/engine/process/process-identity-linux.ts';
import { startChild, type Child, type ChildOptions } from '../../../electron/engine/process/child-process.ts';

/** Undefined for zombies, which nobody may have collected yet. */
const readIdentity = process.platform === 'linux' ? readIdentityLinux : readIdentityDarwin;
const root = fileURLToPath(new URL('../../..', import.meta.url));

function start(script: string, more: Partial<ChildOptions> = {}): { child: Child; lines: string[]; calls: string[] } {
  const lines: string[] = [];
  const calls: string[] = [];
  const child = startChild({
    command: process.execPath,
    args: ['-e', script],
    env: { PATH: process.env['PATH'] ?? '' },
    cwd: undefined,
    clock: systemClock,
    platform: process.platform,
    onLine: (stream, text) => lines.push(`${stream} ${text}`),
    onSpawned: (pid) => calls.push(`spawned ${pid}`),
    onGone: (pid) => calls.push(`gone ${pid}`),
    ...more,
  });
  return { child, lines, calls };
}

const deaf = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('not within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a child', () => {
  it('hands on what it writes, and tells how it ended', async () => {
    const { child, lines, calls } = start(
      "console.log('out'); console.error('err'); process.stdout.write('rest'); process.exitCode = 3",
    );
    expect(await child.exited).toEqual({ exitCode: 3, signal: null, spawnErrorCode: undefined, askedBy: undefined });
    expect(lines.sort()).toEqual(['stderr err', 'stdout out', 'stdout rest']);
    expect(calls).toEqual([`spawned ${child.pid ?? 0}`, `gone ${child.pid ?? 0}`]);
  });

  it.each([
    { name: 'missing', options: { command: '/nowhere/program' }, code: 'ENOENT' },
    { name: 'no program', options: { command: fileURLToPath(import.meta.url) }, code: 'EACCES' },
    { name: 'in a folder that does not exist', options: { cwd: '/nowhere' }, code: 'ENOENT' },
    { name: 'below a file', options: { command: `${process.execPath}/x` }, code: 'ENOTDIR' },
    { name: 'given too much', options: { args: ['x'.repeat(200_000)] }, code: 'E2BIG' },
  ])('that is $name never ran', async ({ options, code }) => {
    const { child, calls } = start('', options);
    expect(child.pid).toBeUndefined();
    expect(await child.exited).toMatchObject({ exitCode: null, spawnErrorCode: code });
    expect(calls).toEqual([]);
    expect(await child.stop({ askedBy: 'test', graceMs: 10 })).toMatchObject({ spawnErrorCode: code });
  });

  // Where descriptors run out, Node gives back a child without streams and tells of it by an event.
  it('that cannot be started for want of descriptors is no reason to go down', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'corral-descriptors-'));
    try {
      const script = path.join(folder, 'exhausted.mjs');
      await build({
        stdin: {
          contents: `
            import { openSync } from 'node:fs';
            import { systemClock } from './electron/engine/ports/clock.ts';
            import { startChild } from './electron/engine/process/child-process.ts';
            const nothing = () => undefined;
            try { for (;;) openSync('/dev/null'); } catch { /* None is left now. */ }
            const child = startChild({ command: '/bin/true', args: [], env: {}, cwd: undefined, clock: systemClock,
              platform: process.platform, onLine: nothing, onSpawned: nothing, onGone: nothing });
            console.log((await child.exited).spawnErrorCode);`,
          resolveDir: root,
          loader: 'ts',
        },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile: script,
      });
      const run = promisify(execFile)('/bin/sh', ['-c', 'ulimit -n 64; exec "$0" "$1"', process.execPath, script]);
      expect((await run).stdout.trim()).toBe('EMFILE');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('stopping a child', () => {
  it('is polite first', async () => {
    const { child, lines } = start(
      "process.on('SIGTERM', () => process.exit(7)); console.log('up'); setInterval(() => {}, 1000)",
    );
    await until(() => lines.length > 0);
    expect(await child.stop({ askedBy: 'test', graceMs: 5000 })).toMatchObject({ exitCode: 7, askedBy: 'test' });
  });

  it('is joined by a second call, which can shorten the grace period', async () => {
    const { child, lines } = start(deaf);
    await until(() => lines.length > 0);
    const first = child.stop({ askedBy: 'one', graceMs: 60_000 });
    const startMs = performance.now();
    const second = child.stop({ askedBy: 'two', graceMs: 100 });
    expect(await second).toMatchObject({ signal: 'SIGKILL', askedBy: 'one' });
    expect(await first).toEqual(await second);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('is not put off by a third call that would wait longer', async () => {
    const { child, lines } = start(deaf);
    await until(() => lines.length > 0);
    const startMs = performance.now();
    void child.stop({ askedBy: 'one', graceMs: 60_000 });
    void child.stop({ askedBy: 'two', graceMs: 200 });
    expect(await child.stop({ askedBy: 'three', graceMs: 3000 })).toMatchObject({ signal: 'SIGKILL' });
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('that has ended does nothing, not even the stop command', async () => {
    const { child } = start('');
    await child.exited;
    let hasRun = false;
    const beforeSignal = (): Promise<void> => {
      hasRun = true;
      return Promise.resolve();
    };
    expect(await child.stop({ askedBy: 'test', graceMs: 1000, beforeSignal })).toMatchObject({
      exitCode: 0,
      askedBy: undefined,
    });
    expect(hasRun).toBe(false);
  });

  it('is not over before its stop command is, even if that has ended the child long before', async () => {
    const { child, lines } = start(deaf);
    await until(() => lines.length > 0);
    let isOver = false;
    const beforeSignal = async (): Promise<void> => {
      process.kill(child.pid ?? 0, 'SIGKILL');
      await child.exited;
      await new Promise((resolve) => setTimeout(resolve, 100));
      isOver = true;
    };
    expect(await child.stop({ askedBy: 'test', graceMs: 5000, beforeSignal })).toMatchObject({ signal: 'SIGKILL' });
    expect(isOver).toBe(true);
  });

  it('takes what it forked along, and is not held up by a pipe that somebody else keeps open', async () => {
    const script = `
      const { spawn } = require('child_process');
      spawn(process.execPath, ['-e', 'setTimeout(() => {}, 8000)'], { stdio: 'inherit', detached: true }).unref();
      const forked = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      console.log(forked.pid); setInterval(() => {}, 1000)`;
    const { child, lines } = start(script);
    await until(() => lines.length > 0);
    const forkedPid = Number(/\d+/.exec(lines[0] ?? '')?.[0]);
    expect(await readIdentity(forkedPid)).toBeDefined();
    const startMs = performance.now();
    await child.stop({ askedBy: 'test', graceMs: 1000 });
    expect(performance.now() - startMs).toBeLessThan(800);
    expect(await readIdentity(forkedPid)).toBeUndefined();
  });
});
