import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCapabilitiesReader } from '../../../electron/engine/llama/capabilities-reader.ts';
import type { AppError } from '#shared/contract/errors.ts';
import { toAppError } from '#shared/contract/errors.ts';

const helpFile = new URL('../../fixtures/llama-help/build-4600-reconstruction.txt', import.meta.url).pathname;
const never = new AbortController().signal;
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'capabilities-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function script(body: string | Buffer, mode = 0o755): Promise<string> {
  const executable = path.join(folder, 'llama-server');
  await writeFile(executable, body);
  await chmod(executable, mode);
  return executable;
}

/** A build that leaves a line in `runs` each time it is run. */
const working = (): string => `#!/bin/sh
echo "$1" >> '${folder}/runs'
if [ "$1" = --help ]; then cat '${helpFile}'; else echo 'version: 4600 (abc)' >&2; fi
`;

async function runCount(): Promise<number> {
  return (await readFile(path.join(folder, 'runs'), 'utf8')).trim().split('\n').length;
}

async function failureOf(executable: string, deadlineMs = 10_000): Promise<AppError> {
  try {
    await createCapabilitiesReader({ deadlineMs }).readCapabilities(executable, never);
  } catch (error) {
    return toAppError(error);
  }
  throw new Error('It should have failed.');
}

describe('createCapabilitiesReader', () => {
  it('reads a build once, for callers at the same time and later, until the file changes', async () => {
    const executable = await script(working());
    const reader = createCapabilitiesReader();
    const both = [reader.readCapabilities(executable, never), reader.readCapabilities(executable, never)];
    for (const capabilities of await Promise.all(both)) expect(capabilities.build).toBe(4600);
    const again = await reader.readCapabilities(executable, never);
    expect(again.flags).toContain('--no-mmap');
    expect(await runCount()).toBe(2);
    await script(`${working()}# another build\n`);
    await reader.readCapabilities(executable, never);
    expect(await runCount()).toBe(4);
  });

  it('knows what it has read, and runs nothing to know it', async () => {
    const executable = await script(working());
    const reader = createCapabilitiesReader();
    expect(reader.known(executable)).toBeUndefined();
    const reading = reader.readCapabilities(executable, never);
    expect(reader.known(executable)).toBeUndefined();
    const capabilities = await reading;
    expect(reader.known(executable)).toBe(capabilities);
    expect(await runCount()).toBe(2);
  });

  it('lets one caller go and keeps reading for the other; ends the program when nobody waits', async () => {
    const executable = await script(`#!/bin/sh\nsleep 0.3\n${working().replace('#!/bin/sh', '')}`);
    const reader = createCapabilitiesReader();
    const leaving = new AbortController();
    const left = reader.readCapabilities(executable, leaving.signal);
    const stays = reader.readCapabilities(executable, never);
    setTimeout(() => leaving.abort(new Error('left')), 100);
    await expect(left).rejects.toThrow('left');
    expect((await stays).build).toBe(4600);

    await rm(path.join(folder, 'runs'));
    await script(`#!/bin/sh\nsleep 0.5\n${working().replace('#!/bin/sh', '')}`);
    await expect(reader.readCapabilities(executable, AbortSignal.timeout(100))).rejects.toThrow(/timeout/);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await expect(runCount()).rejects.toThrow(/ENOENT/);
  });

  it('does not remember a failure', async () => {
    const executable = await script(`#!/bin/sh\nif [ -e '${folder}/mended' ]; then\n${working()}\nelse exit 3; fi\n`);
    const reader = createCapabilitiesReader();
    await expect(reader.readCapabilities(executable, never)).rejects.toThrow(/exit code 3/);
    await writeFile(path.join(folder, 'mended'), '');
    expect((await reader.readCapabilities(executable, never)).build).toBe(4600);
  });

  it('names a file that does not exist', async () => {
    const error = await failureOf(path.join(folder, 'nothing'));
    expect(error.code).toBe('engine-missing');
    expect(error.message).toContain(path.join(folder, 'nothing'));
  });

  it.each<[string, string | Buffer, number, RegExp]>([
    ['is not executable', working(), 0o644, /may not be executed.*chmod \+x/],
    ['names an interpreter that is missing', '#!/no/such/sh\n', 0o755, /interpreter it names.*does not exist/],
    [
      'lacks a library',
      "#!/bin/sh\necho 'llama-server: error while loading shared libraries: libllama.so.0: cannot open' >&2; exit 127\n",
      0o755,
      /The library libllama\.so\.0 that the program needs is missing/,
    ],
    [
      'is made for another machine',
      Buffer.concat([Buffer.from('7f454c460201010000000000000000000200f300', 'hex'), Buffer.alloc(100, 1)]),
      0o755,
      /made for another processor/,
    ],
    ['is another program', "#!/bin/sh\necho 'usage: ls [-la]'\n", 0o755, /is not a llama-server/],
    [
      'prints without end',
      '#!/bin/sh\nwhile :; do echo 0123456789012345678901234567890123456789; done\n',
      0o755,
      /more than 1 MiB/,
    ],
  ])('explains a file that %s', async (_, body, mode, message) => {
    const error = await failureOf(await script(body, mode));
    expect(error.code).toBe('start-failed');
    expect(error.message).toMatch(message);
  });

  it('gives up on a program that hangs, even if a child of it keeps the pipes', async () => {
    const startMs = performance.now();
    const error = await failureOf(await script('#!/bin/sh\nsleep 3\necho never\n'), 300);
    expect(error.message).toMatch(/did not end within/);
    expect(performance.now() - startMs).toBeLessThan(2500);
  });
});
