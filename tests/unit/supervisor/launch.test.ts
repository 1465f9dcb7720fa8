import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createPortFinder } from '../../../electron/engine/supervisor/free-port.ts';
import { fillCommand, prepareLaunch, type LaunchDependencies } from '../../../electron/engine/supervisor/launch.ts';
import { commandModelConfig } from '../../fakes/model-config.ts';

const dependencies: LaunchDependencies = {
  platform: 'linux',
  env: { PATH: '/bin', EMPTY: undefined, SHARED: 'corral' },
  runtimeFolder: '/run/corral',
  ownerMark: 'mark',
  findFreePort: () => Promise.resolve(4711),
  ensureEngine: () => Promise.reject(new Error('a command needs no llama-server')),
  readCapabilities: () => Promise.reject(new Error('a command needs no llama-server')),
  onDetail: () => undefined,
};
const { signal } = new AbortController();

describe('a command', () => {
  it('has its placeholders filled in, each argument by itself', () => {
    expect(
      fillCommand(['run-${MODEL_ID}', '--port=${PORT}', '${HOST}', 'a b; rm -rf $HOME'], {
        PORT: '1',
        HOST: 'h',
        MODEL_ID: 'm x',
      }),
    ).toEqual(['run-m x', '--port=1', 'h', 'a b; rm -rf $HOME']);
  });

  it('is started on a free port of this machine, with the environment of Corral and its own', async () => {
    const model = commandModelConfig('one', {
      command: ['serve', '--port', '${PORT}', '--name', '${MODEL_ID}'],
      env: { SHARED: 'model', MORE: '1' },
      cwd: '/work-folder',
      stopCommand: ['stop', '${PID}'],
    });
    expect(await prepareLaunch(model, {}, dependencies, signal)).toEqual({
      command: 'serve',
      args: ['--port', '4711', '--name', 'one'],
      env: { PATH: '/bin', PORT: '4711', SHARED: 'model', MORE: '1', CORRAL_OWNER: 'mark' },
      cwd: '/work-folder',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 4711, basePath: '' },
      apiKey: undefined,
      healthPath: '/health',
      readyPattern: undefined,
      stopCommand: ['stop', '${PID}'],
      placeholderValues: { PORT: '4711', HOST: '127.0.0.1', MODEL_ID: 'one' },
      warnings: [],
      kvCache: undefined,
    });
  });

  it('with an address of its own is asked there, its path in front of every route', async () => {
    const port = await createPortFinder()();
    const model = commandModelConfig('one', {
      command: ['serve', '--port', '${PORT}', '--host', '${HOST}'],
      proxy: `http://localhost:${port}/llm`,
      health: '/ready',
    });
    expect(await prepareLaunch(model, {}, dependencies, signal)).toMatchObject({
      args: ['--port', String(port), '--host', 'localhost'],
      listen: { kind: 'tcp', host: 'localhost', port, basePath: '/llm' },
      healthPath: '/llm/ready',
    });
  });

  it('without a health check is waited for by its pattern, or not at all', async () => {
    const launch = await prepareLaunch(
      commandModelConfig('one', { health: 'none', readyPattern: /up/ }),
      {},
      dependencies,
      signal,
    );
    expect([launch.healthPath, launch.readyPattern]).toEqual([undefined, /up/]);
  });
});

describe('free ports', () => {
  it('can be listened on, and do not come twice in a short while', async () => {
    const findFreePort = createPortFinder();
    const ports: number[] = [];
    for (let turn = 0; turn < 40; turn += 1) ports.push(await findFreePort());
    expect(new Set(ports).size).toBe(ports.length);
    const server = net.createServer().listen(ports[0], '127.0.0.1');
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
    server.close();
  });

  it('are counted from the first one on, past those that are taken', async () => {
    const findFreePort = createPortFinder();
    const holder = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve, reject) => holder.once('listening', resolve).once('error', reject));
    const { port: taken } = holder.address() as net.AddressInfo;
    const first = await findFreePort(taken);
    expect(first).toBeGreaterThan(taken);
    expect(await findFreePort(first), 'the next model gets the next one').toBeGreaterThan(first);
    holder.close();
  });
});
