import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeServerArgs, fakeServerCommand, fakeServerScript } from './support/fake-server-command.ts';
import type { FakeServerFlags } from './support/fake-server-command.ts';

const children = new Set<ChildProcess>();
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fake-llama-'));
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  children.clear();
  await rm(folder, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  /** All of stdout and stderr so far. */
  readonly output: () => string;
  readonly outputMatch: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function start(flags: FakeServerFlags, args: readonly string[] = [], env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [fakeServerScript, ...args, ...fakeServerArgs(flags)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const outputMatch = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const deadlineMs = performance.now() + 8000;
    while (performance.now() < deadlineMs) {
      const match = pattern.exec(text);
      if (match !== null) return match;
      await sleep(5);
    }
    throw new Error(`The fake never printed ${String(pattern)}; it printed:\n${text}`);
  };
  return { child, output: () => text, outputMatch, exit };
}

async function startListening(
  flags: FakeServerFlags,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Started & { url: string }> {
  const started = start(flags, ['--port', '0', ...args], env);
  const match = await started.outputMatch(/llama_server: listening on (http:\S+)/);
  return { ...started, url: match[1]! };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function chat(url: string, body: object, signal?: AbortSignal): Promise<Response> {
  const init = { method: 'POST', body: JSON.stringify({ messages: [], ...body }) };
  return fetch(`${url}/v1/chat/completions`, signal === undefined ? init : { ...init, signal });
}

const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>;

async function stats(url: string): Promise<Record<string, unknown>> {
  return json(await fetch(`${url}/fake/stats`));
}

describe('the fake llama-server: command line', () => {
  it('prints help and version as the real one does', async () => {
    const help = start({}, ['--help']);
    expect(await help.exit).toEqual({ code: 0, signal: null });
    expect(help.output()).toContain('--load-mode MODE');
    const version = start({}, ['--version']);
    expect(await version.exit).toEqual({ code: 0, signal: null });
    expect(version.output()).toMatch(/^version: 0\.7\.0 \(build 11669/);
  });

  it('refuses flags that the real build refuses, and misspelt knobs', async () => {
    for (const flag of ['--mlock', '--no-mmap', '--fake-nmae']) {
      const refused = start({}, [flag]);
      expect(await refused.exit).toEqual({ code: 1, signal: null });
      expect(refused.output()).toBe(`error: invalid argument: ${flag}\n`);
    }
  });

  it('ignores flags that the real build knows, and takes a value that looks like a flag', async () => {
    const { url } = await startListening({}, ['-ngl', '99', '-fa', 'on', '--no-webui', '--jinja', '--alias', '-x']);
    expect(await json(await fetch(`${url}/v1/models`))).toMatchObject({ data: [{ id: '-x' }] });
  });

  it('builds the command of a custom model with the port left open', () => {
    expect(fakeServerCommand({ name: 'a', loadDelayMs: 5, ignoreSigterm: true })).toEqual([
      process.execPath,
      fakeServerScript,
      '--port',
      '${PORT}',
      '--fake-name',
      'a',
      '--fake-load-delay',
      '5',
      '--fake-ignore-sigterm',
    ]);
  });
});

describe('the fake llama-server: life', () => {
  it('answers 503 while it loads, then prints the ready line', async () => {
    const port = await freePort();
    const started = start({ bindDelayMs: 100, loadDelayMs: 1500, claimMib: 1000 }, ['--port', String(port)]);
    await started.outputMatch(/loading model/);
    for (const route of ['/health', '/v1/models', '/anything']) {
      const response = await fetch(`http://127.0.0.1:${port}${route}`);
      expect(response.status).toBe(503);
      expect(await json(response)).toEqual({
        error: { message: 'Loading model', type: 'unavailable_error', code: 503 },
      });
    }
    await started.outputMatch(new RegExp(`listening on http://127\\.0\\.0\\.1:${port}\n`));
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    expect(started.output()).toContain('projected to use 1000 MiB of device memory');
    expect(started.output()).toMatch(/CUDA0 model buffer size = {3}800\.00 MiB/);
  });

  it('does not listen before its bind delay', async () => {
    const port = await freePort();
    const started = start({ bindDelayMs: 60_000 }, ['--port', String(port)]);
    await started.outputMatch(/initializing/);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  });

  it('fails on a taken port with the real messages', async () => {
    const first = await startListening({});
    const port = new URL(first.url).port;
    const second = start({}, ['--port', port]);
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.output()).toContain(`couldn't bind HTTP server socket, hostname: 127.0.0.1, port: ${port}`);
    expect(second.output()).toContain('exiting due to HTTP server error');
  });

  it('exits at start, or later, with its message', async () => {
    const atStart = start({ exitAtStart: 7, exitMessage: 'CUDA error: out of memory' }, ['--port', '0']);
    expect(await atStart.exit).toEqual({ code: 7, signal: null });
    expect(atStart.output()).toContain('CUDA error: out of memory\n');
    const later = await startListening({ exitAfterMs: 400, exitMessage: 'gone' });
    expect(await later.exit).toEqual({ code: 1, signal: null });
    expect(later.output()).toContain('gone\n');
  });

  it('prints a ready line of choice', async () => {
    const started = start({ readyLine: 'Server up.' }, ['--port', '0']);
    await started.outputMatch(/^Server up\.$/m);
    expect(started.output()).not.toContain('listening on');
  });

  it.each([[{}], [{ floodStdout: 1_000_000 }]] as const)(
    'writes no more than it is told to stdout (%j)',
    async (flags) => {
      const { child, output } = await startListening(flags);
      const before = output().length;
      const startMs = performance.now();
      await sleep(500);
      const rate = (output().length - before) / ((performance.now() - startMs) / 1000);
      if ('floodStdout' in flags) expect(rate).toBeGreaterThan(300_000);
      expect(rate).toBeLessThan('floodStdout' in flags ? 1_700_000 : 1);
      child.kill('SIGKILL');
    },
  );

  it('answers while it floods without limit', async () => {
    const { url, output } = await startListening({ floodStdout: 'max' });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(output().length).toBeGreaterThan(100_000);
  });
});

describe('the fake llama-server: health', () => {
  it('refuses for ever, drops, and changes while it runs', async () => {
    const { url } = await startListening({ refuseHealth: true });
    expect((await fetch(`${url}/health`)).status).toBe(503);
    expect((await chat(url, {})).status).toBe(200);
    await fetch(`${url}/fake/health/ok`);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await fetch(`${url}/fake/health/drop`);
    await expect(fetch(`${url}/health`, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/);
    expect(await stats(url)).toMatchObject({ healthRequests: 3, requests: 1, health: 'drop' });
  });
});

describe('the fake llama-server: answers', () => {
  it('streams role, tokens, finish with timings, and the end mark', async () => {
    const { url } = await startListening({ name: 'cow', tokens: 3 });
    const response = await chat(url, { stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    expect(events).toHaveLength(6);
    expect(events[0]).toContain('"delta":{"role":"assistant","content":null}');
    expect(events.slice(1, 4).map((event) => /"content":"([^"]*)"/.exec(event)?.[1])).toEqual([
      'cow-token-1 ',
      'cow-token-2 ',
      'cow-token-3 ',
    ]);
    expect(events[4]).toMatch(/"finish_reason":"stop".*"timings":.*"predicted_n":3/);
    expect(events[5]).toBe('data: [DONE]');
  });

  it('answers whole, cut by the request, in each family, and with usage on demand', async () => {
    const { url } = await startListening({ name: 'cow' });
    expect(await json(await chat(url, { max_tokens: 2 }))).toMatchObject({
      choices: [{ finish_reason: 'length', message: { content: 'cow-token-1 cow-token-2 ' } }],
      usage: { completion_tokens: 2 },
    });
    const withUsage = await (await chat(url, { stream: true, stream_options: { include_usage: true } })).text();
    expect(withUsage).toContain('"choices":[],');
    expect(withUsage).toContain('"usage":{"completion_tokens":5');
    const post = async (route: string, body: object): Promise<unknown> =>
      json(await fetch(`${url}${route}`, { method: 'POST', body: JSON.stringify(body) }));
    expect(await post('/v1/completions', { max_tokens: 1 })).toMatchObject({ choices: [{ text: 'cow-token-1 ' }] });
    expect(await post('/completion', { n_predict: 1 })).toMatchObject({ content: 'cow-token-1 ', stop: true });
    expect(await post('/tokenize', { content: 'a b' })).toEqual({ tokens: [0, 1] });
    expect(await post('/v1/embeddings', { input: 'x' })).toMatchObject({ data: [{ object: 'embedding' }] });
    expect((await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: '{bad' })).status).toBe(400);
  });

  it('reports its slots and counts what exceeds them', async () => {
    const { url } = await startListening({ slots: 2, responseDelayMs: 400 });
    expect(await json(await fetch(`${url}/props`))).toMatchObject({ total_slots: 2 });
    const startMs = performance.now();
    await Promise.all([chat(url, {}), chat(url, {}), chat(url, {})].map(async (answer) => (await answer).text()));
    expect(performance.now() - startMs).toBeGreaterThan(390);
    expect(await stats(url)).toMatchObject({ requests: 3, maxInFlight: 3, deferred: 1, completed: 3, inFlight: 0 });
  });

  it('dies in the middle of a stream', async () => {
    const { url, exit } = await startListening({ dieAtToken: 3 });
    const response = await chat(url, { stream: true });
    await expect(response.text()).rejects.toThrow();
    const { code, signal } = await exit;
    if (process.platform === 'win32') expect(code).toBe(1);
    else expect(signal).toBe('SIGKILL');
  });

  it('stalls in the middle of a stream and notices that the client left', async () => {
    const { url } = await startListening({ stallAtToken: 3 });
    const leaving = new AbortController();
    const response = await chat(url, { stream: true }, leaving.signal);
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk as Uint8Array).toString();
    })();
    reading.catch(() => undefined);
    await expect.poll(() => text).toContain('token-2');
    await sleep(100);
    expect(text).not.toContain('token-3');
    expect(await stats(url)).toMatchObject({ inFlight: 1, aborted: 0 });
    leaving.abort();
    await expect(reading).rejects.toThrow();
    await expect.poll(() => stats(url)).toMatchObject({ inFlight: 0, aborted: 1 });
  });

  it('spaces its tokens', async () => {
    const { url } = await startListening({ tokens: 4, tokenDelayMs: 60 });
    const startMs = performance.now();
    await (await chat(url, { stream: true })).text();
    expect(performance.now() - startMs).toBeGreaterThan(230);
  });

  it('demands the key from the environment, except for health', async () => {
    const { url } = await startListening({}, [], { LLAMA_API_KEY: 'secret' });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    for (const route of ['/v1/models', '/props', '/v1/chat/completions']) {
      const response = await fetch(`${url}${route}`);
      expect(response.status).toBe(401);
      expect(await json(response)).toMatchObject({ error: { type: 'authentication_error' } });
    }
    expect((await fetch(`${url}/props`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
    expect((await fetch(`${url}/props`, { headers: { 'x-api-key': 'secret' } })).status).toBe(200);
    expect((await fetch(`${url}/props`, { headers: { 'x-api-key': 'other' } })).status).toBe(401);
  });

  it('serves metrics only when asked to, as the real one does', async () => {
    const without = await startListening({});
    expect((await fetch(`${without.url}/metrics`)).status).toBe(501);
    const withMetrics = await startListening({}, ['--metrics']);
    expect(await (await fetch(`${withMetrics.url}/metrics`)).text()).toContain('llamacpp:requests_processing 0');
  });

  it('echoes unknown routes and records what it saw', async () => {
    const record = path.join(folder, 'record.jsonl');
    const { url } = await startListening({ record });
    const body = randomBytes(300_000);
    const bodySha256 = createHash('sha256').update(body).digest('hex');
    const response = await fetch(`${url}/v1/audio/transcriptions?a=1`, {
      method: 'PUT',
      body,
      headers: { 'x-t': 'y' },
    });
    const { echo } = await json(response);
    const seen = { method: 'PUT', url: '/v1/audio/transcriptions?a=1', bodySha256, bodyLength: 300_000 };
    expect(echo).toMatchObject({ ...seen, headers: { 'x-t': 'y' } });
    await expect
      .poll(async () =>
        (await readFile(record, 'utf8'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      )
      .toMatchObject([
        { event: 'request', id: 1, ...seen, inFlight: 1, isBodyComplete: true },
        { event: 'end', id: 1, isAborted: false, status: 200 },
      ]);
  });

  it('advertises its keep-alive and closes idle connections after it', async () => {
    const { url } = await startListening({ keepAliveMs: 1000 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    const closed = once(socket, 'close');
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => answer).toContain('{"status":"ok"}');
    const startMs = performance.now();
    expect(answer).toContain('Keep-Alive: timeout=1, max=100\r\n');
    await closed;
    const idleMs = performance.now() - startMs;
    expect(idleMs).toBeGreaterThan(800);
    expect(idleMs).toBeLessThan(1900);
  });
});
