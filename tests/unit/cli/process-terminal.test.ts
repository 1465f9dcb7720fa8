import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProcessTerminal } from '../../../electron/cli/process-terminal.ts';

interface Scene {
  readonly env?: Record<string, string>;
  readonly isTty?: boolean;
  readonly columns?: number;
  readonly stdout?: Writable;
}

function createTerminal({ env = {}, isTty = true, columns = 120, stdout = new PassThrough() }: Scene = {}) {
  const stderr = new PassThrough();
  const asTty = (stream: Writable) => Object.assign(stream, { isTTY: isTty, columns }) as unknown as NodeJS.WriteStream;
  return { terminal: createProcessTerminal({ env, stdout: asTty(stdout), stderr: asTty(stderr) }), stderr };
}

function createBrokenPipe(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
  });
}

describe('createProcessTerminal', () => {
  it.each([
    ['a pipe', { isTty: false }],
    ['NO_COLOR', { env: { NO_COLOR: '1' } }],
    ['a dumb terminal', { env: { TERM: 'dumb' } }],
  ])('paints nothing on %s', (_what, options) => {
    expect(createTerminal(options).terminal.paint('red', 'failed')).toBe('failed');
  });

  it.each([
    ['its width', { columns: 132 }, 132],
    ['80 where the width is not known', { columns: 0 }, 80],
    ['80 where there is no terminal', { isTty: false }, 80],
  ])('says %s', (_what, options, expected) => {
    expect(createTerminal(options).terminal.columns()).toBe(expected);
  });

  it('flushes what was written', async () => {
    const stdout = new PassThrough();
    const { terminal, stderr } = createTerminal({ stdout });
    terminal.write('data\n');
    terminal.writeError('note\n');
    await terminal.flush();
    expect(stdout.read()).toEqual(Buffer.from('data\n'));
    expect(stderr.read()).toEqual(Buffer.from('note\n'));
  });

  it('reports once that the reader has left, and goes on without it', async () => {
    const { terminal } = createTerminal({ stdout: createBrokenPipe('EPIPE') });
    const losses: (Error | undefined)[] = [];
    terminal.onOutputLost((problem) => losses.push(problem));
    terminal.write('one\n');
    await terminal.flush();
    terminal.write('two\n');
    await terminal.flush();
    expect(losses).toEqual([undefined]);
  });

  it('tells a full disk from a reader that has left', async () => {
    const { terminal } = createTerminal({ stdout: createBrokenPipe('ENOSPC') });
    terminal.write('one\n');
    await terminal.flush();
    const losses: (Error | undefined)[] = [];
    terminal.onOutputLost((problem) => losses.push(problem));
    expect(losses).toEqual([expect.objectContaining({ message: 'write ENOSPC' })]);
  });
});
