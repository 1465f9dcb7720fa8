import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { importConfig, interpretConfig } from '../../../electron/engine/config/interpret-config.ts';
import { parseConfig } from '../../../electron/engine/config/load-config.ts';
import type { ResolvedConfig } from '../../../electron/engine/config/resolved-config.ts';
import { settlePaths } from '../../../electron/engine/config/settle-paths.ts';

const surroundings = { env: { HOME: '/home/ann' }, homeFolder: '/home/ann', platform: 'linux' as const };
const filePath = '/srv/swap/config.yaml';

/** What a file means where it is served itself, and where what was imported from it stands somewhere else. */
async function bothWays(document: unknown): Promise<{
  served: ResolvedConfig;
  imported: ResolvedConfig;
  report: readonly { path: string; note: string; to?: string }[];
}> {
  const options = { ...surroundings, text: stringify(document), filePath };
  const served = await interpretConfig(options);
  const result = await importConfig(options);
  if (!served.ok || !result.ok) throw new Error(JSON.stringify([served, result]));
  const text = stringify({ ...result.native, listeners: [] });
  const imported = parseConfig({ ...surroundings, text, filePath: '/etc/corral/config.yaml' });
  if (!imported.ok) throw new Error(JSON.stringify(imported.errors));
  return { served: served.config, imported: imported.config, report: result.report };
}

describe('what was imported', () => {
  it('runs the commands of llama-swap where its file is', async () => {
    const { served, imported, report } = await bothWays({
      models: {
        beside: { cmd: './llama-server --port ${PORT} -m /m.gguf', cmdStop: 'bin/stop ${PID}' },
        argument: { cmd: 'llama-server --port ${PORT} -m models/x.gguf' },
        bare: { cmd: 'llama-server --port ${PORT} --model=x.gguf' },
        environment: { cmd: 'serve --port ${PORT}', env: ['LIBRARIES=../lib'] },
        absolute: { cmd: '/opt/llama-server --port ${PORT} -m /m.gguf --host 0.0.0.0' },
      },
    });
    for (const id of ['beside', 'argument', 'bare', 'environment']) {
      expect(imported.models.get(id)).toEqual(served.models.get(id));
      expect(imported.models.get(id)).toMatchObject({ cwd: '/srv/swap' });
    }
    expect(imported.models.get('beside')).toMatchObject({
      command: ['/srv/swap/llama-server', '--port', '${PORT}', '-m', '/m.gguf'],
      stopCommand: ['/srv/swap/bin/stop', '${PID}'],
    });
    expect(imported.models.get('absolute'), 'needs no folder').toMatchObject({ cwd: '/etc/corral' });
    expect(report.filter(({ to }) => to?.endsWith('.cwd') === true).map(({ path, to }) => [path, to])).toEqual([
      ['models.beside.cmd', 'models.beside.cwd'],
      ['models.argument.cmd', 'models.argument.cwd'],
      ['models.bare.cmd', 'models.bare.cwd'],
      ['models.environment.cmd', 'models.environment.cwd'],
    ]);
  });

  it('finds the files of llama_cpp_router where they were', async () => {
    const { served, imported, report } = await bothWays({
      owner: 'me',
      system: { llamaServer: 'bin/llama-server' },
      models: {
        m: { modelFilePath: 'models/m.gguf', network: { port: 1 } },
        n: { modelFilePath: '/n.gguf', network: { port: 2 } },
      },
    });
    expect(imported.engine.path).toBe('/srv/swap/bin/llama-server');
    expect(imported.engine.path).toBe(served.engine.path);
    expect(imported.models).toEqual(served.models);
    const settled = report.filter(({ note }) => note.startsWith('starts in the folder of this file'));
    expect(settled.map(({ path }) => path)).toEqual(['models.m.modelFilePath', 'system.llamaServer']);
  });

  it('keeps what is absolute, the home folder, placeholders and names as they are', () => {
    const native = {
      engine: { path: 'auto' },
      models: {
        file: { file: '~/m.gguf', mmproj: '${env.MODELS}/p.gguf' },
        command: { command: ['vllm', '--port=${PORT}', 'http://host/x', '--rope', '0.5', '--level', '1.2'] },
        own: { command: ['./serve'], cwd: '/somewhere' },
      },
    };
    const paths = { folder: '/srv', homeFolder: '/home/ann', isWindows: false };
    expect(settlePaths(native, [], paths)).toEqual({ native, report: [] });
  });

  it('takes a folder for what it is, whatever it is called', () => {
    const paths = { folder: '/srv/${PORT}', homeFolder: '/home/ann', isWindows: false };
    const native = { models: { a: { command: ['./serve'] }, b: { file: 'm.gguf' } } };
    expect(settlePaths(native, [], paths).native['models']).toEqual({
      a: { command: ['/srv/$${PORT}/serve'], cwd: '/srv/$${PORT}' },
      b: { file: '/srv/$${PORT}/m.gguf' },
    });
  });

  it('knows the paths of Windows', () => {
    const paths = { folder: 'C:\\swap', homeFolder: 'C:\\Users\\ann', isWindows: true };
    const native = { models: { a: { command: ['bin\\serve.exe', 'C:\\m.gguf'] }, b: { file: 'D:\\m.gguf' } } };
    const { models } = settlePaths(native, [], paths).native;
    expect(models).toEqual({
      a: { command: ['C:\\swap\\bin\\serve.exe', 'C:\\m.gguf'], cwd: 'C:\\swap' },
      b: { file: 'D:\\m.gguf' },
    });
  });
});
