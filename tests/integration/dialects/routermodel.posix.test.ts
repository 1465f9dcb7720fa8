import { chmod, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../../electron/engine/catalog/sentence-model.ts';
import { openStatusServer } from '../../../electron/engine/dialects/routermodel/status-server.ts';
import { systemClock } from '../../../electron/engine/ports/clock.ts';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { writeFakeEngine } from '../support/fake-server-command.ts';
import { startForeign, type ForeignCorral } from '../support/foreign.ts';

let folder: TestFolder;
let corral: ForeignCorral | undefined;
let engine: string;

beforeEach(async () => {
  folder = await createTestFolder();
  const fake = await writeFakeEngine(path.join(folder.path, 'bin'));
  // The fake has no devices to list, and would serve instead.
  const script = `#!/bin/sh\n[ "$1" = --list-devices ] && echo 'Available devices:' && exit 0\nexec '${fake}' "$@"\n`;
  engine = await folder.write('engine', script);
  await chmod(engine, 0o755);
});
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
  // Corral asks a llama-server what it knows as soon as it is named, and a test may be over sooner.
  const isAsked = ({ commandLine }: { commandLine: string }): boolean => /--version|--help/.test(commandLine);
  await eventually('nothing is asked any more', async () => !(await folder.liveProcesses()).some(isAsked));
  await folder.dispose();
});

async function start(
  names: readonly string[],
  { system = {}, api = {}, env = {} }: { system?: object; api?: object; env?: Record<string, string> } = {},
): Promise<ForeignCorral> {
  const models: Record<string, unknown> = {};
  for (const name of names) {
    const file = await folder.write(`${name}.gguf`, buildSentenceModel({ name, sentence: 'Hello there' }));
    models[name] = { model_path: file };
  }
  corral = await startForeign(folder, { api, system: { llama_server_path: engine, ...system }, models }, { env });
  return corral;
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('a config.json of RouterModelCustom', () => {
  it('R3.1 R3.4 is known by its content, and lists its models', async () => {
    const { ask } = await start(['a', 'b']);
    const item = { object: 'model', owned_by: 'user', n_ctx: 4096 };
    expect((await ask('/v1/models')).body).toEqual({
      object: 'list',
      data: [
        { id: 'a', ...item },
        { id: 'b', ...item },
      ],
    });
  });

  it('R3.2 refuses models beyond the limit, and lets go of none', async () => {
    const { ask, chat, engine: running } = await start(['a', 'b'], { system: { max_concurrent_models: 1 } });
    await chat('a');
    const refused = await ask('/v1/chat/completions', post({ model: 'b', messages: [] }));
    expect(refused.status).toBe(503);
    expect(refused.body).toEqual({ detail: expect.stringContaining('taken by a') as unknown });
    expect(running.model('a').state).toBe('ready');
  });

  it('R3.2 has the statuses and envelopes of the program', async () => {
    const { ask } = await start(['a']);
    expect(await ask('/v1/chat/completions', post({ messages: [] }))).toMatchObject({ status: 400 });
    expect(await ask('/v1/chat/completions', post({ model: 'b' }))).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('"b"') as unknown },
    });
    expect((await ask('/v1/chat/completions', post(`"${'x'.repeat(10 * 2 ** 20)}"`))).status).toBe(413);
    expect(await ask('/nowhere')).toMatchObject({ status: 404, body: { detail: expect.any(String) as unknown } });
  });

  it('R3.3 gives each answer an id, the one that was asked with if there is one', async () => {
    const { address } = await start(['a']);
    const own = await fetch(`${address}/v1/models`, { headers: { 'x-request-id': 'mine-7' } });
    expect(own.headers.get('x-request-id')).toBe('mine-7');
    const body = JSON.stringify({ model: 'a', messages: [] });
    const made = await fetch(`${address}/v1/chat/completions`, { method: 'POST', body });
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    await made.text();
  });

  it('R3.3 answers with a new process where the old one broke off', async () => {
    const { chat, engine: running } = await start(['a']);
    await chat('a');
    const { pid } = running.model('a');
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually('its end is noticed', () => running.model('a').pid !== pid);
    await chat('a');
    expect(running.model('a').pid).not.toBe(pid);
  });

  it('R3.3 serves urgent requests first, and in turn within a class', async () => {
    const { ask, engine: running } = await start(['a'], {
      system: { parallel_requests: 1 },
    });
    const order: string[] = [];
    const send = async (priority: string, name: string): Promise<void> => {
      await ask('/v1/chat/completions', post({ model: 'a', messages: [] }, { 'x-request-priority': priority }));
      order.push(name);
    };
    const waiting = (): number => running.model('a').waitingRequests;
    // All wait for the model to load, which begins with the first.
    const all: Promise<void>[] = [];
    for (const [index, priority] of ['low', 'normal', 'high', 'high'].entries()) {
      all.push(send(priority, `${priority}-${index}`));
      await eventually(`request ${index} waits`, () => waiting() === index + 1);
    }
    await Promise.all(all);
    expect(order).toEqual(['high-2', 'high-3', 'normal-1', 'low-0']);
  });
});

describe('management and monitoring', () => {
  it('R3.5 says how it is', async () => {
    const { ask, chat } = await start(['a']);
    await chat('a');
    expect(await ask('/health')).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        checks: {
          gpu: { status: expect.any(String) as unknown, vram_used_gb: expect.any(Number) as unknown },
          manager: { status: 'ok', active_models: 1 },
          http_client: { status: 'ok' },
        },
      },
    });
  });

  it('R3.6 R3.8 R3.9 R3.10 tells of requests, in telemetry, metrics and the queue', async () => {
    const { ask, chat } = await start(['a']);
    expect((await ask('/v1/telemetry/summary')).body).toEqual({ message: 'No requests recorded yet' });
    await chat('a');
    // A client has its answer a moment before it is recorded.
    await eventually('it is recorded', async () => {
      const { body: summary } = await ask('/v1/telemetry/summary');
      return (summary as { total_requests?: number }).total_requests === 1;
    });
    expect((await ask('/v1/telemetry/summary')).body).toMatchObject({
      total_requests: 1,
      successful: 1,
      success_rate: 100,
      per_model: { a: { total_requests: 1 } },
    });
    expect((await ask('/v1/queue/stats')).body).toMatchObject({
      summary: { total_queued: 0, total_processed: 1 },
      per_model: { a: { total_processed: 1, processing: false } },
    });
    // Loads are counted from events, which come a few at a time.
    await eventually('the load is counted', async () =>
      (await ask('/metrics')).text.includes('models_loaded_total 1\n'),
    );
    const { text } = await ask('/metrics');
    expect(text).toContain('requests_total{endpoint="/v1/chat/completions"} 1\n');
    expect(text).toContain('models_loaded_total 1\n');
    expect(text).toMatch(/^vram_total_bytes [1-9]\d*$/m);
    expect(text, "with Corral's own").toContain('corral_requests_total');
    const { body } = await ask('/v1/health/models');
    expect(body).toMatchObject({ a: { uptime_percentage: 100, consecutive_failures: 0, status: 'healthy' } });
  });

  it('R3.7 tells of video memory', async () => {
    const { ask, chat } = await start(['a']);
    await chat('a');
    const { body } = await ask('/vram');
    expect(body).toMatchObject({ tracked_models_count: 1, loaded_models_count: 1, models: [{ model_alias: 'a' }] });
    expect((body as { gpu_info: { total_mb: number } }).gpu_info.total_mb).toBeGreaterThan(0);
    expect((await ask('/vram/summary')).body).toMatchObject({ loaded_models: ['a'] });
    expect((await ask('/vram/models/a')).body).toMatchObject({ model_alias: 'a' });
    expect((await ask('/vram/models/b')).status).toBe(404);
  });

  it('R3.11 ejects and resets with a token, and not without', async () => {
    const { ask, chat, engine: running } = await start(['a']);
    await chat('a');
    expect(await ask('/v1/models/eject', post({ model: 'a' }))).toMatchObject({ status: 401 });
    expect(running.model('a').state).toBe('ready');
    const admin = { ...post({ model: 'a' }), isAdmin: true };
    expect(await ask('/v1/models/eject', admin)).toMatchObject({
      status: 200,
      body: { status: 'success', model_ejected: 'a', message: expect.any(String) as unknown },
    });
    expect(running.model('a').state).toBe('off');
    expect((await ask('/v1/models/eject', admin)).body).toMatchObject({ status: 'not_found', model_ejected: 'a' });
    expect((await ask('/v1/models/eject', { ...post({ model: 'b' }), isAdmin: true })).status).toBe(404);
    expect((await ask('/v1/models/a/reset', { method: 'POST' })).status).toBe(401);
    expect((await ask('/v1/models/a/reset', { method: 'POST', isAdmin: true })).body).toMatchObject({
      status: 'success',
      model: 'a',
    });
  });

  it('R3.2 R3.11 gives a model that failed three times no more requests until it is reset', async () => {
    const { ask, chat } = await start(['a']);
    // The file is no model any more, though there was one when Corral started.
    await folder.write('a.gguf', 'broken');
    const chatOnce = (): ReturnType<typeof ask> => ask('/v1/chat/completions', post({ model: 'a', messages: [] }));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect((await chatOnce()).status).toBe(503);
      const attempts = async (): Promise<number | undefined> => {
        const { body } = await ask('/v1/models/failed');
        return (body as { failed_models: { attempts: number }[] }).failed_models[0]?.attempts;
      };
      await eventually(`failure ${attempt} is known`, async () => (await attempts()) === attempt);
    }
    expect((await chatOnce()).body).toEqual({ detail: expect.stringMatching(/failed 3 times.*\/reset/) as unknown });
    expect((await ask('/v1/models/failed')).body).toEqual({
      failed_models: [{ model: 'a', attempts: 3, error: expect.stringContaining('a.gguf') as unknown }],
    });
    await folder.write('a.gguf', buildSentenceModel({ name: 'a', sentence: 'Hello there' }));
    expect((await ask('/v1/models/a/reset', { method: 'POST', isAdmin: true })).body).toMatchObject({
      status: 'success',
      previous_error: expect.stringContaining('a.gguf') as unknown,
    });
    await chat('a');
  });
});

describe('the status in real time', () => {
  it('R3.11 R3.12 is told whole, and model by model', async () => {
    const { ask, chat } = await start(['a', 'b']);
    expect((await ask('/v1/models/a/status')).body).toMatchObject({ model: 'a', status: 'off' });
    await chat('a');
    expect((await ask('/v1/models/a/status')).body).toMatchObject({ model: 'a', status: 'loaded' });
    const { body } = await ask('/v1/models/status');
    expect(body).toMatchObject({
      server: { status: 'ready' },
      models: { a: { alias: 'a', status: 'loaded' }, b: { status: 'off' } },
      summary: { total: 2, by_status: { loaded: 1, off: 1 } },
    });
    expect((await ask('/v1/models/status/b')).body).toMatchObject({ alias: 'b', status: 'off' });
    expect((await ask('/v1/models/status/c')).status).toBe(404);
  });

  it('R3.13 is streamed while it changes', async () => {
    const { address, chat } = await start(['a']);
    const abort = new AbortController();
    const response = await fetch(`${address}/v1/models/status/stream`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const seen: string[] = [];
    const reading = (async () => {
      const decoder = new TextDecoder();
      let text = '';
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) {
          const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
          const { alias, status } = JSON.parse(data) as { alias?: string; status?: string };
          seen.push(alias === undefined ? name : `${name} ${alias} ${String(status)}`);
        }
      }
    })().catch(() => undefined);
    await eventually('the stream begins', () => seen[0] === 'full_status');
    await chat('a');
    await eventually('the model is told to answer', () => seen.includes('model_update a loaded'));
    abort.abort();
    await reading;
  });

  it('R3.12 R3.14 is written to a file, which the status server tells of without Corral', async () => {
    const { ask, chat, dataFolder } = await start(['a']);
    await chat('a');
    const statusFile = path.join(dataFolder, 'model_status.json');
    const server = await openStatusServer({ port: 0, statusFile, clock: systemClock, setting: '--port' });
    try {
      const status = async (): Promise<{ models: { a: { status: string } }; server: { status: string } }> => {
        const response = await fetch(`http://127.0.0.1:${server.port}/status`);
        return (await response.json()) as Awaited<ReturnType<typeof status>>;
      };
      await eventually('the file follows', async () => (await status()).models.a.status === 'loaded');
      await eventually('over HTTP, too', async () => (await ask('/v1/models/status/file')).text.includes('"loaded"'));
      await corral?.stop();
      corral = undefined;
      expect((await status()).server.status).toBe('shutting_down');
      expect(JSON.parse(await readFile(statusFile, 'utf8'))).toMatchObject({ models: { a: { status: 'off' } } });
      const one = await fetch(`http://127.0.0.1:${server.port}/status/a`);
      expect(await one.json()).toMatchObject({ alias: 'a' });
      expect((await fetch(`http://127.0.0.1:${server.port}/status/b`)).status).toBe(404);
      expect(await (await fetch(`http://127.0.0.1:${server.port}/health`)).json()).toEqual({ status: 'ok' });
      const stream = await fetch(`http://127.0.0.1:${server.port}/status/stream`);
      const first = await stream.body?.getReader().read();
      expect(new TextDecoder().decode(first?.value as Uint8Array)).toMatch(/^event: full_status\n/);
    } finally {
      await server.close();
    }
  });
});
