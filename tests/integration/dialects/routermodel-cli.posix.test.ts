import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, type TestFolder } from '../support/corral.ts';
import { cliEnv, cliFile, runCli } from '../support/corral-process.ts';

let folder: TestFolder;
beforeEach(async () => {
  folder = await createTestFolder();
});
afterEach(() => folder.dispose());

describe('corral as routermodel', () => {
  it('R3.1 ends with 1 and says everything that is wrong with the file', async () => {
    const document = {
      system: { llama_server_path: '/nowhere/llama-server', max_concurrent_models: 11, idle_timeout_sec: 59 },
      api: { port: 80 },
      models: { a: { model_path: '/nowhere/a.gguf', params: { n_ctx: 511, type_k: 'q9' } }, b: {} },
    };
    const file = await folder.write('config.json', JSON.stringify(document));
    const { exitCode, stderr } = await runCli(
      ['serve', '--config', file, '--data-dir', path.join(folder.path, 'data')],
      cliEnv(folder),
    );
    expect(exitCode).toBe(1);
    for (const told of [
      'system.max_concurrent_models: must be at most 10',
      'system.idle_timeout_sec: must be at least 60',
      'api.port: must be at least 1024',
      'models.a.params.n_ctx: must be at least 512',
      'models.a.params.type_k: must be one of',
      'models.b.model_path: must be given',
    ]) {
      expect(stderr).toContain(told);
    }
  });

  it('R3.1 ends with 1 where a file that it names is missing', async () => {
    const document = {
      system: { llama_server_path: '/nowhere/llama-server' },
      models: { a: { model_path: '/x.gguf' } },
    };
    const file = await folder.write('config.json', JSON.stringify(document));
    const { exitCode, stdout, stderr } = await runCli(['config', 'check', file], cliEnv(folder));
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toContain('system.llama_server_path: must be a file that exists');
    expect(stdout + stderr).toContain('models.a.model_path: must be a file that exists');
  });

  it('R3.14 runs the status server, whether or not the main one has ever run', async () => {
    const args = ['as', '--data-dir', path.join(folder.path, 'data'), 'routermodel', 'status', '--port', '0'];
    const child = spawn(process.execPath, [cliFile, ...args], {
      env: cliEnv(folder),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    try {
      const address = (): string | undefined => /Status server: (\S+)/.exec(output)?.[1];
      await eventually('it listens', () => address() !== undefined, 15_000);
      const status: unknown = await (await fetch(address() ?? '')).json();
      expect(status).toMatchObject({ server: { status: 'initializing' }, models: {}, summary: { total: 0 } });
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).toBe(0);
  });

  it('R3.14 refuses flags that the status server does not have', async () => {
    const { exitCode, stderr } = await runCli(['as', 'routermodel', 'status', '--colour', 'red'], cliEnv(folder));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--colour');
  });
});
