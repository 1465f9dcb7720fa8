import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { serveAs, type ServeAsSurroundings } from '../../../../electron/cli/verbs/serve-as.ts';
import { createRecordingTerminal } from '../support/recording-terminal.ts';

const workFolder = path.resolve('/work');

async function run(seed: string, args: readonly string[]) {
  const served: unknown[] = [];
  const surroundings: ServeAsSurroundings = {
    terminal: createRecordingTerminal(),
    signal: new AbortController().signal,
    workFolder,
    version: '0.0.0-test',
    serve(options) {
      served.push(options);
      return Promise.resolve(7);
    },
  };
  const exitCode = await serveAs(seed, args, { dataDir: '/data', nativePort: 81 }, surroundings);
  return { exitCode, served };
}

describe('corral as', () => {
  it.each([
    [[], 'config.json'],
    [['./my-config.json'], 'my-config.json'],
    [['my-config.json', '--ignored', 'as ever'], 'my-config.json'],
  ])('runs llama_cpp_router %j', async (args, file) => {
    const { exitCode, served } = await run('llama_cpp_router', args);
    expect(exitCode).toBe(7);
    expect(served).toEqual([
      {
        configFile: path.join(workFolder, file),
        format: 'llama_cpp_router',
        host: undefined,
        port: undefined,
        nativePort: 81,
        dataDir: '/data',
      },
    ]);
  });

  it('names the programs it knows', async () => {
    await expect(run('nginx', [])).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(/"nginx"; it knows .*llama_cpp_router/) as string,
    });
  });
});
