import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../../../electron/engine/ports/clock.ts';
import type { EngineBuild, EngineStatus } from '../../../electron/engine/runtimes/engine-build.ts';
import type { EngineSource, InstallOptions } from '../../../electron/engine/runtimes/engine-source.ts';
import { createEngines, type Engines, type EnginesOptions } from '../../../electron/engine/runtimes/engines.ts';

interface FakeSource extends EngineSource {
  readonly installs: { options: InstallOptions; resolve(build: EngineBuild): void; reject(error: Error): void }[];
}

function createFakeSource(isAvailable = true): FakeSource {
  const installs: FakeSource['installs'] = [];
  return {
    name: 'a fake archive',
    installs,
    isAvailable: () => Promise.resolve(isAvailable),
    install: (options) =>
      new Promise((resolve, reject) => {
        installs.push({ options, resolve, reject });
        options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true });
      }),
  };
}

const forever = new AbortController().signal;

describe('createEngines', () => {
  let folder: string;
  let source: FakeSource;
  let build: EngineBuild;
  let nowMs: number;
  let statuses: EngineStatus[];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-engines-'));
    source = createFakeSource();
    const executable = path.join(folder, 'llama-server');
    await writeFile(executable, '');
    build = { id: 'b1', executable, origin: 'installed' };
    nowMs = 1000;
    statuses = [];
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  function create(overrides: Partial<EnginesOptions> = {}): Engines {
    const clock: Clock = {
      nowMs: () => nowMs,
      wallMs: () => nowMs,
      setTimer: () => ({ cancel: () => undefined }),
    };
    return createEngines({
      config: { path: 'auto', autoInstall: true },
      searchPath: '',
      installFolder: path.join(folder, 'engines'),
      sources: [createFakeSource(false), source],
      platform: 'linux',
      logger: { log: () => undefined },
      clock,
      onChange: (status) => statuses.push(status),
      ...overrides,
    });
  }

  async function untilInstalls(count: number): Promise<void> {
    await expect.poll(() => source.installs.length, { interval: 1 }).toBe(count);
  }

  it('shares one installation among all who wait, and reports its progress', async () => {
    const engines = create();
    expect(engines.status()).toEqual({ status: 'searching' });
    const waiting = [engines.ensureEngine(forever), engines.ensureEngine(forever)];
    await untilInstalls(1);
    waiting.push(engines.ensureEngine(forever));
    source.installs[0]!.options.onProgress('Downloading', 5, 10);
    source.installs[0]!.resolve(build);
    expect(await Promise.all(waiting)).toEqual([build, build, build]);
    expect(await engines.ensureEngine(forever)).toEqual(build);
    expect(source.installs).toHaveLength(1);
    expect(statuses).toEqual([
      { status: 'installing', step: 'Fetching llama-server from a fake archive' },
      { status: 'installing', step: 'Downloading', receivedBytes: 5, totalBytes: 10 },
      { status: 'ready', build },
    ]);
  });

  it('lets one waiter go without disturbing the others', async () => {
    const engines = create();
    const abort = new AbortController();
    const impatient = engines.ensureEngine(abort.signal);
    const patient = engines.ensureEngine(forever);
    await untilInstalls(1);
    const reason = new Error('client went away');
    abort.abort(reason);
    await expect(impatient).rejects.toBe(reason);
    await expect(engines.ensureEngine(abort.signal)).rejects.toBe(reason);
    source.installs[0]!.resolve(build);
    expect(await patient).toEqual(build);
  });

  it('remembers a failure for 30 s and then tries again', async () => {
    const engines = create();
    const first = engines.ensureEngine(forever);
    await untilInstalls(1);
    source.installs[0]!.reject(
      new AppError('engine-missing', 'No network. Plug it in.', {
        details: { reason: 'No network.', hint: 'Plug it in.' },
      }),
    );
    await expect(first).rejects.toThrow('No network. Plug it in.');
    expect(engines.status()).toEqual({ status: 'missing', reason: 'No network.', hint: 'Plug it in.' });

    nowMs += 20_500;
    await expect(engines.ensureEngine(forever)).rejects.toMatchObject({
      code: 'engine-missing',
      message: 'No network. Plug it in.',
      retryAfterSeconds: 10,
    });
    expect(source.installs).toHaveLength(1);

    nowMs += 9500;
    const second = engines.ensureEngine(forever);
    await untilInstalls(2);
    source.installs[1]!.resolve(build);
    expect(await second).toEqual(build);
    expect(engines.status()).toEqual({ status: 'ready', build });
  });

  it('sees at once what the user installed after a failure', async () => {
    const engines = create({ searchPath: path.join(folder, 'bin') });
    const first = engines.ensureEngine(forever);
    await untilInstalls(1);
    source.installs[0]!.reject(new AppError('engine-missing', 'No network.'));
    await expect(first).rejects.toThrow('No network.');
    const executable = path.join(folder, 'bin/llama-server');
    await mkdir(path.dirname(executable));
    await writeFile(executable, '');
    await chmod(executable, 0o755);
    expect(await engines.ensureEngine(forever)).toEqual({ id: executable, executable, origin: 'path' });
  });

  it('looks again when the executable has gone', async () => {
    const engines = create();
    const first = engines.ensureEngine(forever);
    await untilInstalls(1);
    source.installs[0]!.resolve(build);
    await first;
    await rm(build.executable);
    const second = engines.ensureEngine(forever);
    await untilInstalls(2);
    await writeFile(build.executable, '');
    source.installs[1]!.resolve(build);
    expect(await second).toEqual(build);
  });

  it.each([
    ['autoInstall is off', { config: { path: 'auto', autoInstall: false } }, /autoInstall.*brew install llama\.cpp/s],
    ['no source serves this system', { sources: [] }, /nowhere to fetch.*engine\.path/s],
    ['Windows has its own way', { sources: [], platform: 'win32' as const }, /winget install llama\.cpp/],
    [
      'the configured path is wrong',
      { config: { path: '/no/such/llama-server', autoInstall: true } },
      /\/no\/such\/llama-server/,
    ],
  ])('installs nothing and says what to do: %s', async (_, overrides, message) => {
    const engines = create(overrides);
    await expect(engines.ensureEngine(forever)).rejects.toMatchObject({
      code: 'engine-missing',
      message: expect.stringMatching(message) as string,
    });
    expect(engines.status()).toMatchObject({ status: 'missing' });
    expect(source.installs).toHaveLength(0);
  });

  it('aborts the installation when it is stopped', async () => {
    const engines = create();
    const waiting = engines.ensureEngine(forever);
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'shutting-down' });
    await untilInstalls(1);
    await engines.stop();
    await rejected;
    expect(source.installs[0]!.options.signal.aborted).toBe(true);
    await expect(engines.ensureEngine(forever)).rejects.toMatchObject({ code: 'shutting-down' });
    await engines.stop();
  });
});
