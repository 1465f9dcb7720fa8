import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../electron/cli/program.ts';
import { writeInstanceFile } from '../../../electron/engine/config/instance-file.ts';
import { createRecordingTerminal } from './support/recording-terminal.ts';
import { NOW_MS, modelView, snapshotOf } from '../../fakes/views.ts';

describe('runCli', () => {
  let folder: string;
  let server: Server | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-test-'));
  });

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  async function run(args: readonly string[]) {
    const terminal = createRecordingTerminal();
    const processEvents = new EventEmitter();
    const code = await runCli({ args, version: '1.2.3', terminal, processEvents, wallMs: () => NOW_MS });
    return { code, output: terminal.output, errors: terminal.errors, leftListeners: processEvents.eventNames() };
  }

  /** A Corral that answers as `answer` says, on record in the data folder of the test. */
  async function serveControl(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<void> {
    server = createServer(answer);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}`;
    await writeInstanceFile(folder, { pid: process.pid, address, token: 'secret', startedAt: 1 });
  }

  function sendJson(response: ServerResponse, body: unknown, status = 200): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  it.each([
    [[], /Usage: corral/],
    [['lode'], /^corral: unknown command 'lode'\n\(Did you mean one of load, logs\?\)/],
    [['load'], /^corral: missing required argument 'model'/],
    [['load', 'a', 'b'], /^corral: too many arguments/],
    [['status', '--verbose'], /^corral: unknown option '--verbose'/],
    [['status', '--data-dir'], /^corral: option '--data-dir <folder>' argument missing/],
    [['serve', '--port', '65536'], /^corral: .*'65536' is invalid\. It must be a whole number from 0 to 65535/],
    [['serve', '--port', '-1'], /^corral: /],
    [['serve', '--port', '80a'], /^corral: .*'80a' is invalid/],
    [['logs', '-n', '10001'], /^corral: .*'10001' is invalid/],
    [['eject'], /^corral: name one model, or say --all\n$/],
    [['eject', 'a', '--all'], /^corral: name one model, or say --all\n$/],
    [['eject', 'a', '--now', '--when-idle'], /^corral: .*cannot be used with/],
    [['cancel'], /^corral: missing required argument 'request'/],
    [['queue', 'a'], /^corral: too many arguments/],
    [['pin'], /^corral: missing required argument 'model'/],
    [['unpin'], /^corral: missing required argument 'model'/],
    [['reset', 'a', 'b'], /^corral: too many arguments/],
    [['config'], /Usage: corral config/],
    [['config', 'import'], /^corral: missing required argument 'file'/],
    [['config', 'export'], /^corral: unknown command 'export'/],
  ])('exits with 2 at wrong usage: %j', async (args, message) => {
    const { code, output, errors } = await run(args);
    expect(code).toBe(2);
    expect(errors).toMatch(message);
    expect(output).toBe('');
  });

  it.each([
    [['--version'], /^1\.2\.3\n$/],
    [['--help'], /Usage: corral/],
    [['help', 'load'], /Usage: corral load \[options\] <model>/],
    [['eject', '--help'], /--after-queue/],
  ])('exits with 0 when asked to explain itself: %j', async (args, message) => {
    const { code, output, errors } = await run(args);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toMatch(message);
  });

  it.each([
    ['status'],
    ['ps'],
    ['models'],
    ['load', 'm'],
    ['eject', 'm'],
    ['queue'],
    ['cancel', 'r1'],
    ['reset', 'm'],
    ['pin', 'm'],
    ['unpin', 'm'],
    ['logs', '-f'],
  ])('exits with 1 if Corral is not running: %s %s', async (...args) => {
    const given = args.filter((arg) => typeof arg === 'string');
    const { code, output, errors, leftListeners } = await run([...given, '--data-dir', folder]);
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^corral: Corral is not running \(data folder .*\)\. Start it with `corral serve --data-dir .*`\.\n$/,
    );
    expect(output).toBe('');
    expect(leftListeners).toEqual([]);
  });

  it('says why in JSON for programs', async () => {
    const { code, errors } = await run(['ps', '--json', '--data-dir', folder]);
    expect(code).toBe(1);
    expect(JSON.parse(errors)).toMatchObject({
      error: { code: 'upstream-unavailable', details: { reason: 'not-running' } },
    });
  });

  it.each([
    [['eject', 'm'], 'when-idle'],
    [['eject', 'm', '--when-idle'], 'when-idle'],
    [['eject', 'm', '--after-queue'], 'after-queue'],
    [['eject', 'm', '--now'], 'now'],
  ])('%j ejects in mode %s', async (args, mode) => {
    let body = '';
    await serveControl((request, response) => {
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        sendJson(response, {
          ejected: { model: 'm', wasLoaded: true, exitCode: 0, signal: null, tookMs: 3, freedBytes: {} },
        });
      });
    });
    const { code, output } = await run([...args, '--data-dir', folder]);
    expect({ code, output }).toEqual({ code: 0, output: 'm ejected (exit code 0, 3 ms)\n' });
    expect(JSON.parse(body)).toEqual({ model: 'm', mode });
  });

  it.each([
    [['queue'], snapshotOf(), /^POSITION .* WAITS FOR\n$/],
    [['queue', '--json'], snapshotOf(), /^\[\]\n$/],
    [['cancel', 'r1'], {}, /^Request r1 is cancelled\n$/],
    [['pin', 'm'], { model: modelView({ id: 'm' }) }, /^m is pinned/],
    [['unpin', 'm'], { model: modelView({ id: 'm' }) }, /^m is not pinned/],
    [['reset', 'm'], { model: modelView({ id: 'm' }) }, /^m is reset/],
  ])('%j exits with 0 when it is done and with 1 when it is refused', async (args, answer, said) => {
    let isRefused = false;
    const error = { code: 'not-found', message: 'There is none of that name.' };
    await serveControl((_request, response) =>
      isRefused ? sendJson(response, { error }, 404) : sendJson(response, answer),
    );
    const done = await run([...args, '--data-dir', folder]);
    expect(done).toMatchObject({ code: 0, errors: '', output: expect.stringMatching(said) as string });
    isRefused = true;
    const refused = await run([...args, '--data-dir', folder]);
    expect(refused).toMatchObject({ code: 1, output: '' });
    expect(refused.errors).toContain(error.message);
  });

  it('shows the end of the log of a model that could not be started', async () => {
    const error = {
      code: 'start-failed',
      message: 'Model "m" could not be started.',
      details: { log: ['one', 'two'] },
    };
    await serveControl((_request, response) => sendJson(response, { error }, 503));
    const { code, errors } = await run(['load', 'm', '--data-dir', folder]);
    expect(code).toBe(1);
    expect(errors).toBe('corral: Model "m" could not be started.\n    one\n    two\n');
  });

  it('hangs up and exits with 130 when a wait is interrupted', async () => {
    const processEvents = new EventEmitter();
    const terminal = createRecordingTerminal();
    let hasHungUp = false;
    await serveControl((_request, response) => {
      response.once('close', () => (hasHungUp = true));
      processEvents.emit('SIGINT');
    });
    const args = ['load', 'm', '--data-dir', folder];
    const code = await runCli({ args, version: '1.2.3', terminal, processEvents, wallMs: () => NOW_MS });
    expect(code).toBe(130);
    await expect.poll(() => hasHungUp).toBe(true);
    expect(terminal.errors).toBe('');
    expect(processEvents.eventNames()).toEqual([]);
  });

  it('ends quietly with 0 when the reader of its output leaves', async () => {
    const terminal = createRecordingTerminal();
    await serveControl((_request, response) => {
      response.once('close', () => undefined);
      terminal.loseOutput();
    });
    const code = await runCli({
      args: ['ps', '--data-dir', folder],
      version: '1.2.3',
      terminal,
      processEvents: new EventEmitter(),
      wallMs: () => NOW_MS,
    });
    expect({ code, errors: terminal.errors }).toEqual({ code: 0, errors: '' });
  });

  describe('config check', () => {
    it('lists every error with its path and place, and exits with 1', async () => {
      const file = path.join(folder, 'c.yaml');
      await writeFile(file, 'server: { prot: 1 }\nmodels:\n  a: {}\n');
      const { code, output, errors } = await run(['config', 'check', file, '--data-dir', folder]);
      expect({ code, errors }).toEqual({ code: 1, errors: '' });
      const [first, ...rest] = output.trimEnd().split('\n');
      expect(first).toBe(`${file}: 2 errors`);
      expect(rest).toEqual([
        expect.stringMatching(/^ {2}error {2}server\.prot \(line 1, column 11\): .*`port`/),
        expect.stringMatching(/^ {2}error {2}models\.a \(line 3, column \d+\): /),
      ]);
    });

    it('accepts a valid file with 0', async () => {
      const file = path.join(folder, 'c.yaml');
      await writeFile(file, 'models: { a: { command: "server --port ${PORT}" } }\n');
      const { code, output } = await run(['config', 'check', file, '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(output)).toEqual({ path: file, isValid: true, errors: [], warnings: [] });
    });

    it('refuses a file that is not there', async () => {
      const file = path.join(folder, 'none.yaml');
      const { code, output } = await run(['config', 'check', file]);
      expect(code).toBe(1);
      expect(output).toContain(`${file}: 1 error\n  error  does not exist`);
    });

    it('checks the file the running Corral uses if none is named', async () => {
      const file = path.join(folder, 'c.yaml');
      await writeFile(file, 'models: {}\n');
      const { instance } = snapshotOf();
      const snapshot = snapshotOf({ instance: { ...instance, configPath: file }, models: [modelView()] });
      await serveControl((_request, response) => sendJson(response, snapshot));
      expect(await run(['config', 'check', '--data-dir', folder])).toMatchObject({
        code: 0,
        output: `${file}: valid\n`,
      });
      expect(await run(['config', 'path', '--data-dir', folder])).toMatchObject({
        code: 0,
        output: `${file}\n`,
        errors: '',
      });
    });
  });
});
