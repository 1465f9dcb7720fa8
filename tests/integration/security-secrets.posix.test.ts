import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';
import { fakeServerCommand, writeFakeEngine } from './support/fake-server-command.ts';

let corral: TestCorral | undefined;
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
});

const CLIENT_KEY = 'canary-client-key';
const ADMIN_TOKEN = 'canary-admin-token';
const ENV_SECRET = 'canary-env-secret';
const PROMPT = 'canary-prompt';

const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

/** The command line of a process as every user of the machine can see it. */
async function commandLineOf(pid: number | null): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
  return stdout.trim();
}

async function filesUnder(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    found.set(path.relative(folder, file), await readFile(file, 'latin1'));
  }
  return found;
}

/** Asks a Unix socket without any key. */
async function askSocket(socketPath: string, target: string, headers: Record<string, string> = {}): Promise<number> {
  const request = http.request({ socketPath, path: target, method: 'POST', headers, agent: false });
  request.end('{}');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

describe('X11 secrets', () => {
  it('stand in no log, snapshot, event, error, file or command line', async () => {
    const running = await startCorral({
      server: { apiKeys: [{ name: 'laptop', key: CLIENT_KEY }], adminToken: ADMIN_TOKEN },
      log: { level: 'debug' },
      memory: { maxLoaded: 3 },
      models: {
        one: fakeModel({ name: 'one' }, { env: { SERVICE_TOKEN: ENV_SECRET } }),
        broken: fakeModel({ exitAtStart: 3 }, { env: { SERVICE_TOKEN: ENV_SECRET } }),
        dying: fakeModel({ dieAtToken: 2 }),
      },
    });
    corral = running;
    const { instanceToken } = running.engine;
    const told: string[] = [];
    const unsubscribe = running.bridge.subscribe({
      onUpdate: (update) => void told.push(JSON.stringify(update)),
      onDisconnect: (reason) => void told.push(reason),
    });
    const ask = async (route: string, body: unknown, authorization: string): Promise<void> => {
      const response = await running.post(route, body, { headers: { authorization } });
      told.push(JSON.stringify([...response.headers]), await response.text());
    };
    const chat = (model: string) => ({ model, messages: [{ role: 'user', content: PROMPT }] });
    for (const authorization of [
      `Bearer ${CLIENT_KEY}`,
      `Bearer ${CLIENT_KEY}x`,
      `Bearer ${ADMIN_TOKEN}`,
      `Bearer ${instanceToken}`,
    ]) {
      for (const model of ['one', 'broken', 'dying', 'none'])
        await ask('/v1/chat/completions', chat(model), authorization);
      await ask('/v1/messages', `{"model":"one","x":"${PROMPT}"`, authorization);
      await ask('/control/commands/load-model', { model: 'one', [PROMPT.slice(0, 3)]: 1 }, authorization);
      await ask('/control/commands/read-logs', { source: 'corral' }, authorization);
      await ask('/control/commands/get-snapshot', {}, authorization);
      for (const command of ['read-settings', 'read-catalog', 'read-memory-history', 'list-requests'])
        await ask(`/control/commands/${command}`, {}, authorization);
      for (const command of ['preview-settings', 'update-settings']) {
        const edits = [{ path: ['models', 'one', 'env', 'SERVICE_TOKEN'], value: ENV_SECRET }];
        await ask(`/control/commands/${command}`, { edits }, authorization);
        await ask(`/control/commands/${command}`, { edits: [{ path: ['log', 'level'], value: 'x' }] }, authorization);
      }
    }
    for (const model of running.engine.snapshot().models) {
      const { lines } = await running.bridge.call('read-logs', { source: model.id });
      told.push(JSON.stringify(lines));
    }
    told.push(
      ...running.logLines,
      await commandLineOf(running.model('one').pid),
      ...(process.platform === 'linux' ? await running.folder.liveProcesses() : []).map((each) => each.commandLine),
      JSON.stringify(running.engine.snapshot()),
    );
    unsubscribe();

    const all = told.join('\n');
    expect(all).toContain('one-token-1');
    for (const secret of [CLIENT_KEY, ADMIN_TOKEN, ENV_SECRET, PROMPT, instanceToken])
      expect(all).not.toContain(secret);
    for (const [name, content] of await filesUnder(path.join(running.folder.path, 'data'))) {
      for (const secret of [CLIENT_KEY, ADMIN_TOKEN, ENV_SECRET, PROMPT]) expect(content, name).not.toContain(secret);
      if (name !== 'instance.json') expect(content, name).not.toContain(instanceToken);
    }
  });

  // The contract says of a command line that it is shown without secrets; `${env.NAME}` is how the file refers to one.
  it('that a command takes from the environment are not shown or logged with it', async () => {
    const running = await startCorral(
      {
        models: {
          one: { command: [...fakeServerCommand(), '--alias', 'x', '--hf-token', '${env.CORRAL_TEST_SECRET}'] },
        },
      },
      { env: { CORRAL_TEST_SECRET: ENV_SECRET } },
    );
    corral = running;
    await running.chat('one');
    const { lines } = await running.bridge.call('read-logs', { source: 'one' });
    const told = JSON.stringify([running.engine.snapshot(), lines, running.logLines]);
    expect(told).not.toContain(ENV_SECRET);
  });

  it('X7 between Corral and a server it built the command line for: a key of its own, a private socket, nothing to be seen', async () => {
    const folder = await createTestFolder();
    const executable = await writeFakeEngine(path.join(folder.path, 'bin'));
    const running = await startCorral({ engine: { path: executable } }, { folder });
    corral = running;
    const id = running.engine.snapshot().models[0]?.id ?? '';
    await running.chat(id);
    const { pid, address, commandLine } = running.model(id);
    expect(address?.startsWith('/')).toBe(true);
    const seen = `${await commandLineOf(pid)} ${(commandLine ?? []).join(' ')}`;
    expect(seen).not.toContain('--api-key');
    expect(seen).not.toMatch(/0\.0\.0\.0/);
    expect(await askSocket(address ?? '', '/v1/chat/completions')).toBe(401);
    for (const key of ['', 'wrong', running.engine.instanceToken]) {
      expect(await askSocket(address ?? '', '/v1/chat/completions', { authorization: `Bearer ${key}` })).toBe(401);
    }
  });
});

describe('names that look like something else', () => {
  it('X5 are one argument of a command, and run nothing', async () => {
    const folder = await createTestFolder();
    const witness = path.join(folder.path, 'witness');
    const names = [
      '--host',
      '-h',
      `;touch ${witness}`,
      `$(touch ${witness})`,
      `\`touch ${witness}\``,
      `a b "c" 'd' | touch ${witness}`,
      '..',
      '%00',
      '${PORT}',
    ];
    const models = Object.fromEntries(
      names.map((name) => [name, { command: [...fakeServerCommand(), '--alias', 'x${MODEL_ID}'], ttl: '10m' }]),
    );
    const running = await startCorral({ memory: { maxLoaded: names.length }, models }, { folder });
    corral = running;
    for (const name of names) {
      const text = await running.chat(name);
      expect(text, name).toContain(`x${name}-token-1`);
      expect(running.model(name).commandLine?.at(-1)).toBe(`x${name}`);
    }
    expect(existsSync(witness)).toBe(false);
  });

  it('X12 are not found when nobody configured them, and are told harmlessly', async () => {
    const running = await startCorral({ log: { level: 'debug' }, models: { one: fakeModel({}) } });
    corral = running;
    const forged = 'x\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>\u001b[31m\u0000';
    for (const route of ['/v1/chat/completions', '/v1/messages']) {
      const response = await running.post(route, { model: forged });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(response.headers.has('set-cookie')).toBe(false);
      expect(await response.text()).not.toMatch(/[\r\n\u001b\0]/);
    }
    const byPath = await fetch(`${running.address}/v1/models/${encodeURIComponent(forged)}`);
    expect(byPath.status).toBe(404);
    await byPath.text();
    const { lines } = await running.bridge.call('read-logs', { source: 'corral' });
    for (const { text } of lines) expect(text).not.toMatch(/[\r\n\u001b]/);
    for (const line of running.logLines) expect(line).not.toMatch(/[\r\n\u001b]/);
  });

  it('X12 in a server’s output forge no line', async () => {
    const running = await startCorral({
      models: { one: fakeModel({ readyLine: 'a\u001b[2J\u001b]0;title\u0007b\rc\u009b31md <b>e</b>' }) },
    });
    corral = running;
    await running.chat('one');
    await eventually('the line is logged', async () => {
      const { lines } = await running.bridge.call('read-logs', { source: 'one' });
      return lines.some(({ text }) => text.includes('<b>e</b>'));
    });
    const { lines } = await running.bridge.call('read-logs', { source: 'one' });
    const printed = lines.filter(({ stream }) => stream !== 'corral');
    expect(printed.length).toBeGreaterThan(0);
    for (const { text } of printed) expect(text).not.toMatch(CONTROL_CHARACTERS);
  });

  it('X12 in the arguments of a command forge no line of Corral’s own', async () => {
    const running = await startCorral({
      models: { one: { command: [...fakeServerCommand(), '--alias', 'a\u001b[31mb\n[corral] forged'] } },
    });
    corral = running;
    await running.bridge.call('load-model', { model: 'one' });
    const { lines } = await running.bridge.call('read-logs', { source: 'one' });
    for (const { text } of lines) expect(text).not.toMatch(CONTROL_CHARACTERS);
  });
});

describe('HTTP', () => {
  it('X4 sets no command, executable, environment or address, whatever is sent where', async () => {
    const folder = await createTestFolder();
    const witness = path.join(folder.path, 'witness');
    const running = await startCorral(
      { server: { adminToken: ADMIN_TOKEN }, models: { one: fakeModel({}) } },
      { folder },
    );
    corral = running;
    const evil = {
      command: ['touch', witness],
      cmd: `touch ${witness}`,
      env: { LD_PRELOAD: witness },
      path: '/bin/sh',
      url: 'http://127.0.0.1:1',
      file: witness,
    };
    const routes = [
      '/v1/chat/completions',
      '/props?model=one',
      '/control/commands/load-model',
      '/control/commands/update-settings',
      '/control/commands/get-snapshot',
      '/models/load',
      '/models',
      '/api/pull',
      '/admin',
      '/config',
    ];
    const before = await readFile(path.join(folder.path, 'config.yaml'), 'utf8');
    for (const route of routes) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const response = await running.post(
          route,
          { model: 'one', ...evil, models: { one: evil } },
          {
            method,
            headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
          },
        );
        expect(response.status, `${method} ${route}`).toBeLessThan(600);
        await response.text();
      }
    }
    await running.chat('one');
    expect(running.model('one').commandLine).toEqual(expect.arrayContaining([process.execPath]));
    expect(existsSync(witness)).toBe(false);
    expect(await readFile(path.join(folder.path, 'config.yaml'), 'utf8')).toBe(before);
  });
});
