import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, fakeModel, startCorral, type TestCorral, type TestFolder } from './support/corral.ts';
import { fakeServerArgs, writeFakeEngine } from './support/fake-server-command.ts';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';

interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string;
    readonly details?: { reason?: string };
  };
}

let folder: TestFolder;
let corral: TestCorral | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(() => (corral === undefined ? folder.dispose() : corral.stop()));

async function failsWith(response: Promise<Response>, status: number): Promise<ErrorBody['error']> {
  const answer = await response;
  const text = await answer.text();
  expect(answer.status, text).toBe(status);
  return (JSON.parse(text) as ErrorBody).error;
}

const hello = (model: string) => ({ model, messages: [{ role: 'user', content: 'Hello' }] });

describe('a request that is wrong', () => {
  it.each([
    [
      'an unknown model',
      '/v1/chat/completions',
      hello('nope'),
      404,
      'model_not_found',
      /no model "nope".*Known models: good/,
    ],
    ['malformed JSON', '/v1/chat/completions', '{"model": "good",', 400, 'invalid_request', /not valid JSON.*byte 17/],
    ['no JSON at all', '/v1/chat/completions', 'hello', 400, 'invalid_request', /not a JSON object/],
    ['an empty body', '/v1/chat/completions', '', 400, 'invalid_request', /empty/],
    ['no model', '/v1/chat/completions', { messages: [] }, 400, 'model_missing', /set "model"/],
    ['a model that is no string', '/v1/chat/completions', { model: 7 }, 400, 'invalid_request', /must be a string/],
    [
      'a body that is too large',
      '/v1/chat/completions',
      `{"model":"good","x":"${'x'.repeat(2000)}"}`,
      413,
      'too_large',
      /maxBodyBytes/,
    ],
    ['an unknown path', '/v1/nothing', {}, 404, 'unknown_route', /nothing at POST \/v1\/nothing/],
  ])('%s is answered in OpenAI’s shape', async (_name, route, body, status, code, message) => {
    corral = await startCorral({ server: { maxBodyBytes: 1024 }, models: { good: fakeModel() } }, { folder });
    const error = await failsWith(corral.post(route, body), status);
    expect(error).toMatchObject({ code, type: 'invalid_request_error' });
    expect(error.message).toMatch(message);
    expect(await corral.chat('good')).toContain('token');
  });

  it('a wrong method is 405 and says which one is right', async () => {
    corral = await startCorral({ models: { good: fakeModel() } }, { folder });
    const response = await fetch(`${corral.address}/v1/chat/completions`);
    expect(response.headers.get('allow')).toBe('POST');
    const error = await failsWith(Promise.resolve(response), 405);
    expect(error.message).toContain('takes POST, not GET');
  });
});

describe('a model that cannot be started', () => {
  async function withModel(model: Record<string, unknown>, engine: Record<string, unknown> = {}): Promise<TestCorral> {
    corral = await startCorral(
      { engine, memory: { maxLoaded: 1 }, models: { bad: model, good: fakeModel() } },
      { folder },
    );
    return corral;
  }

  it('whose file is missing says which, at once, and works once the file is there', async () => {
    const executable = await writeFakeEngine(path.join(folder.path, 'engine'));
    const file = path.join(folder.path, 'later.gguf');
    const { post, chat } = await withModel({ file }, { path: executable });
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(error.message).toContain(file);
    expect(error.message).toMatch(/does not exist|no such file|is missing/i);
    expect(await chat('good')).toContain('token');
    await folder.write('later.gguf', buildSentenceModel({ name: 'later', sentence: 'It is here.' }));
    expect(await chat('bad')).toContain('token');
  });

  it('whose file is no GGUF says so', async () => {
    const executable = await writeFakeEngine(path.join(folder.path, 'engine'));
    const file = await folder.write('page.gguf', '<!DOCTYPE html><title>Sign in</title>');
    const { post } = await withModel({ file }, { path: executable });
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(error.message).toContain(file);
    expect(error.message).toMatch(/GGUF/);
  });

  it('whose command does not exist names it', async () => {
    const { post, chat } = await withModel({ command: ['/no/such/server', '--port', '${PORT}'] });
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(error.message).toContain('"bad"');
    expect(error.details?.reason).toMatch(/missing-file|not-executable/);
    expect(await chat('good')).toContain('token');
  });

  it('whose command is not executable says so', async () => {
    const script = await folder.write('server.sh', '#!/bin/sh\n');
    await chmod(script, 0o644);
    const { post } = await withModel({ command: [script, '${PORT}'] });
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(error.details?.reason).toBe('not-executable');
  });

  it('that exits at once says how, with its last words, without waiting for the deadline', async () => {
    const { post, chat } = await withModel(fakeModel({ exitAtStart: 3, exitMessage: 'my hovercraft is full of eels' }));
    const startedMs = performance.now();
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(error.message).toMatch(/exit code 3|status 3/);
    expect(JSON.stringify(error.details)).toContain('my hovercraft is full of eels');
    expect(await chat('good')).toContain('token');
  });

  it('that never gets ready is ended at its deadline', async () => {
    const { post, chat } = await withModel(fakeModel({ refuseHealth: true }, { startTimeout: '700ms' }));
    const startedMs = performance.now();
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(650);
    expect(tookMs).toBeLessThan(1700);
    expect(error.message).toMatch(/not ready after 700 ms \(startTimeout\)/);
    expect(await folder.liveProcesses()).toEqual([]);
    expect(await chat('good')).toContain('token');
  });

  it('that does not even answer that it loads is ended sooner, where that is wanted', async () => {
    const { post } = await withModel(fakeModel({ healthDrop: true }, { answerTimeout: '500ms' }));
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(error.message).toMatch(
      /had not answered its health check after 500 ms \(answerTimeout\).*Raise `answerTimeout`/,
    );
    expect(await folder.liveProcesses()).toEqual([]);
  });

  it('for a while, and says that it loads, has all the time there is', async () => {
    const { chat } = await withModel(fakeModel({ loadDelayMs: 1200 }, { answerTimeout: '500ms' }));
    expect(await chat('bad')).toContain('token');
  });

  it('for want of memory says so in plain words', async () => {
    const { post } = await withModel(
      fakeModel({
        exitAtStart: 1,
        exitMessage:
          'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9216.00 MiB on device 0: cudaMalloc failed: out of memory',
      }),
    );
    const error = await failsWith(post('/v1/chat/completions', hello('bad')), 503);
    expect(error.details?.reason).toBe('out-of-memory');
    expect(error.message).toMatch(/memory/);
  });

  it('because there is no llama-server gets 503 with what to do, and Corral goes on', async () => {
    const file = await folder.write('fine.gguf', buildSentenceModel({ name: 'fine', sentence: 'Fine.' }));
    corral = await startCorral(
      { engine: { autoInstall: false }, models: { bad: { file }, good: fakeModel() } },
      { folder, env: { PATH: '/nowhere' } },
    );
    const error = await failsWith(corral.post('/v1/chat/completions', hello('bad')), 503);
    expect(error.code).toBe('engine_missing');
    expect(error.message).toMatch(/engine\.path|autoInstall/);
    expect(await corral.chat('good')).toContain('token');
  });

  it('gives everybody who waits for it the same error', async () => {
    const { post } = await withModel(fakeModel({ bindDelayMs: 100_000, exitAfterMs: 200, exitMessage: 'no good' }));
    const errors = await Promise.all(
      Array.from({ length: 10 }, () => failsWith(post('/v1/chat/completions', hello('bad')), 503)),
    );
    expect(new Set(errors.map((error) => error.message)).size).toBe(1);
  });

  it('on a file model’s own command line passes user arguments through', async () => {
    const executable = await writeFakeEngine(path.join(folder.path, 'engine'));
    const file = await folder.write('fine.gguf', buildSentenceModel({ name: 'fine', sentence: 'Fine.' }));
    const { chat } = await withModel({ file, args: fakeServerArgs({ name: 'special' }) }, { path: executable });
    expect(await chat('bad')).toContain('special-token-1');
  });
});

describe('a configuration with mistakes', () => {
  it('lists all five of them', async () => {
    const start = startCorral(
      {
        server: { port: 99_999 },
        memory: { maxloaded: 2 },
        models: { one: { file: 'a.gguf', ttl: '30' }, two: { contextSize: 4096 }, three: { command: 'serve "oops' } },
      },
      { folder },
    );
    const error = await start.then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).toMatch(/has 5 errors/);
    for (const where of ['server.port', 'memory.maxloaded', 'models.one.ttl', 'models.two', 'models.three.command']) {
      expect(error?.message).toContain(where);
    }
    expect(error?.message).toContain('maxLoaded');
  });
});
