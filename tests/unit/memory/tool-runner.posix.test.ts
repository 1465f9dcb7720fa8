import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allEnded, createToolRunner, stdoutOf, type ToolOutput } from '../../../electron/engine/memory/tool-runner.ts';
import { systemClock } from '../../../electron/engine/ports/clock.ts';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import { createToolFolder, isAlive, type ToolFolder } from './support/tool-folder.posix.ts';

const never = new AbortController().signal;
let folder: ToolFolder;

beforeEach(async () => {
  folder = await createToolFolder();
});
afterEach(() => folder.remove());

function run(candidates: readonly string[], signal = never, deadlineMs = 10_000): Promise<ToolOutput | undefined> {
  const runner = createToolRunner({
    platform: process.platform,
    env: { PATH: folder.searchPath, LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' },
    clock: systemClock,
    deadlineMs,
  });
  return runner.run(candidates, ['--flag', 'a b; echo $HOME'], { signal });
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    return toAppError(error);
  }
  throw new Error('It should have failed.');
}

/** The pids that scripts noted; each must end. */
async function expectAllEnded(): Promise<void> {
  const pids = (await folder.notes()).map(Number);
  expect(pids.length).toBeGreaterThan(0);
  await expect.poll(() => pids.filter(isAlive), { timeout: 5000 }).toEqual([]);
}

describe('createToolRunner', () => {
  it('runs a tool without a shell, in the C locale', async () => {
    await folder.tool('smi', 'echo "$LC_ALL|$LANG|$LANGUAGE|$1|$2"; echo warning >&2; exit 6');
    expect(await run(['smi'])).toEqual({ exitCode: 6, stdout: 'C|C||--flag|a b; echo $HOME\n', stderr: 'warning\n' });
  });

  it('takes the first that exists', async () => {
    const second = await folder.tool('second', 'echo second');
    expect((await run(['no-such-tool', `${second}/in-a-file`, second]))?.stdout).toBe('second\n');
    expect(await run(['no-such-tool', '/no/such/folder/smi'])).toBeUndefined();
  });

  it('says that a tool may not be run', async () => {
    const file = await folder.tool('smi', 'echo no', 0o644);
    const error = await failureOf(run([file]));
    expect(error).toMatchObject({ code: 'probe-failed', message: expect.stringContaining('EACCES') as string });
  });

  it('kills a tool that hangs, and what it started', async () => {
    await folder.tool('smi', 'echo $$ >> "$NOTES"; sleep 600 & echo $! >> "$NOTES"; wait');
    const error = await failureOf(run(['smi'], never, 500));
    expect(error.code).toBe('probe-failed');
    expect(error.message).toMatch(/^`smi --flag .* did not end within 0\.5 s and was ended\. Run it in a terminal/);
    await expectAllEnded();
  });

  it('does not wait for ever for a process that the tool left behind with its output', async () => {
    await folder.tool('smi', 'sleep 600 & echo $! >> "$NOTES"; echo done');
    expect((await failureOf(run(['smi'], never, 500))).message).toMatch(/did not end within/);
    await expectAllEnded();
  });

  it('kills a tool whose caller aborts', async () => {
    await folder.tool('smi', 'echo $$ >> "$NOTES"; sleep 600');
    const leaving = new AbortController();
    const running = run(['smi'], leaving.signal);
    await expect.poll(() => folder.notes()).toHaveLength(1);
    leaving.abort(new Error('left'));
    await expect(running).rejects.toThrow('left');
    await expectAllEnded();
    await expect(run(['smi'], leaving.signal)).rejects.toThrow('left');
    expect(await folder.notes()).toHaveLength(1);
  });

  it('kills a tool that prints without end, and takes no more than 4 MiB of it', async () => {
    await folder.tool('smi', 'echo $$ >> "$NOTES"; while :; do echo 0123456789012345678901234567890123456789; done');
    expect((await failureOf(run(['smi']))).message).toMatch(/printed more than 4 MiB and was ended\.$/);
    await expectAllEnded();
    await folder.tool('smi', 'head -c 10485760 /dev/zero');
    expect((await failureOf(run(['smi']))).message).toMatch(/printed more than 4 MiB/);
    await folder.tool('smi', 'head -c 4000000 /dev/zero');
    expect((await run(['smi']))?.stdout).toHaveLength(4_000_000);
  });

  it('tells of a tool that dies', async () => {
    await folder.tool('smi', 'echo bad state >&2; kill -SEGV $$');
    expect((await failureOf(run(['smi']))).message).toMatch(/was ended by SIGSEGV: bad state$/);
  });
});

describe('stdoutOf', () => {
  it('is what was printed, or an error that quotes a printable piece of it', () => {
    expect(stdoutOf({ exitCode: 0, stdout: 'out', stderr: 'warning' }, 'smi')).toBe('out');
    const said = `\u001b[31mNo\u0000 driver\n${'x'.repeat(1000)}`;
    const message = /^`smi` failed with exit code 9: \[31mNo driver x{100,150}…$/;
    expect(() => stdoutOf({ exitCode: 9, stdout: said, stderr: '' }, 'smi')).toThrow(message);
    expect(() => stdoutOf({ exitCode: 9, stdout: 'ignored', stderr: said }, 'smi')).toThrow(message);
  });
});

describe('allEnded', () => {
  it('does not fail before the last has ended', async () => {
    const ended: string[] = [];
    const later = new Promise<string>((resolve) => setImmediate(() => resolve('later'))).then(() =>
      ended.push('later'),
    );
    await expect(allEnded([Promise.reject(new Error('first')), later])).rejects.toThrow('first');
    expect(ended).toEqual(['later']);
    expect(await allEnded([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  });
});
