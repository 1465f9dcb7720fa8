import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { Bridge } from '#shared/contract/bridge.ts';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import type { Engine } from '../../../electron/engine/engine.ts';
import { startHeadless } from '../../../electron/headless.ts';
import { fakeServerCommand, type FakeServerFlags } from './fake-server-command.ts';
import { findLiveProcesses, type LiveProcess } from './live-processes-linux.ts';

export interface TestFolder {
  readonly path: string;
  /** In the environment of every process that the test starts, so that leftovers are found whoever started them. */
  readonly marker: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  liveProcesses(): Promise<LiveProcess[]>;
  /** Fails the test if a process is left, then removes the folder. */
  dispose(): Promise<void>;
}

const MARKER = 'CORRAL_TEST_RUN';

export async function createTestFolder(): Promise<TestFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'corral-test-'));
  const marker = randomUUID();
  return {
    path: folder,
    marker,
    async write(name, content) {
      const file = path.join(folder, name);
      await writeFile(file, content);
      return file;
    },
    liveProcesses: () => findLiveProcesses(MARKER, marker),
    async dispose() {
      const left = process.platform === 'linux' ? await findLiveProcesses(MARKER, marker) : [];
      for (const { pid } of left) process.kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
      expect(left, 'processes left behind').toEqual([]);
    },
  };
}

export interface TestCorral {
  readonly engine: Engine;
  readonly address: string;
  readonly folder: TestFolder;
  readonly bridge: Bridge;
  /** What went to the log. */
  readonly logLines: readonly string[];
  model(modelId: string): ModelView;
  post(route: string, body: unknown, init?: RequestInit): Promise<Response>;
  /** The text a chat model answers. Fails unless the status is 200. */
  chat(modelId: string): Promise<string>;
  /** Ends it and checks that nothing is left: no child, no listener, no socket, no folder. */
  stop(): Promise<void>;
}

/** Corral as `corral serve` starts it, in this process, on a free port and with a data folder of its own. */
export async function startCorral(
  config: Record<string, unknown>,
  {
    env = {},
    folder: given,
    windowFolder,
  }: { env?: Record<string, string>; folder?: TestFolder; windowFolder?: string } = {},
): Promise<TestCorral> {
  const folder = given ?? (await createTestFolder());
  const configFile = await folder.write('config.yaml', stringify(config));
  const logLines: string[] = [];
  const changes: Record<string, string> = {
    [MARKER]: folder.marker,
    // Models that the developer has must not be seen.
    HF_HOME: path.join(folder.path, 'huggingface'),
    ...env,
  };
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, process.env[name]]));
  Object.assign(process.env, changes);
  let engine: Engine;
  try {
    engine = await startHeadless({
      configFile,
      host: undefined,
      // What the file says of the port may change later; an option would stand above it.
      port: (config['server'] as { port?: number } | undefined)?.port === undefined ? 0 : undefined,
      dataDir: path.join(folder.path, 'data'),
      version: '0.0.0-test',
      ...(windowFolder === undefined ? {} : { windowFolder }),
      print: () => undefined,
      printLog: (line) => logLines.push(line),
    });
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
  const address = engine.address();
  const bridge = createHttpBridge({ address, token: engine.instanceToken });

  const post: TestCorral['post'] = (route, body, init = {}) =>
    fetch(`${address}${route}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string> | undefined) },
    });

  return {
    engine,
    address,
    folder,
    bridge,
    logLines,
    post,
    model: (modelId) => engine.model(modelId),
    async chat(modelId) {
      const response = await post('/v1/chat/completions', {
        model: modelId,
        messages: [{ role: 'user', content: 'Hello' }],
      });
      const text = await response.text();
      expect(response.status, text).toBe(200);
      const body = JSON.parse(text) as { choices: [{ message: { content: string } }] };
      return body.choices[0].message.content;
    },
    async stop() {
      const commandLines = engine.snapshot().models.map((model) => model.address);
      const sockets = commandLines.filter((each) => each?.startsWith('/') === true);
      bridge.close();
      const lastAddress = engine.address();
      await engine.stop();
      expect(await canConnect(lastAddress), 'a listener is left').toBe(false);
      for (const socket of sockets) expect(existsSync(socket ?? ''), `socket ${String(socket)} is left`).toBe(false);
      expect(await readdir(path.join(folder.path, 'data')), 'temporary files are left').not.toContainEqual(
        expect.stringMatching(/tmp|part|instance\.json|children\.json/),
      );
      await folder.dispose();
    },
  };
}

function canConnect(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname, port: Number(port) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A custom-command model that runs the fake server. */
export function fakeModel(flags: FakeServerFlags = {}, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { command: fakeServerCommand(flags), ...more };
}

/** Waits until a condition holds; fails with `what` after `timeoutMs`. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 5000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
