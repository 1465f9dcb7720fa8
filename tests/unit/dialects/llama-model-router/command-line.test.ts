import { describe, expect, it } from 'vitest';
import { llamaModelRouterCommandLine } from '../../../../electron/engine/dialects/llama-model-router/command-line.ts';

const parse = (...args: string[]) =>
  llamaModelRouterCommandLine.parse(args, { env: {}, homeFolder: '/home/u', platform: 'linux', workFolder: '/work' });

const serve = (configFile: string, host: string | undefined, port: number) => ({
  kind: 'serve',
  configFile,
  format: 'llama-model-router',
  ...(host === undefined ? {} : { host }),
  port,
});

describe('the command line of llama-model-router', () => {
  it.each([
    [[], serve('/work/pools.yaml', undefined, 9090)],
    [['-config', '/etc/p.yaml'], serve('/etc/p.yaml', undefined, 9090)],
    [['--config=p.yaml', '-listen=127.0.0.1:1'], serve('/work/p.yaml', '127.0.0.1', 1)],
    [['-listen', ':8080'], serve('/work/pools.yaml', undefined, 8080)],
    [['-listen', '[::1]:8080'], serve('/work/pools.yaml', '::1', 8080)],
    [['-listen', 'localhost:0'], serve('/work/pools.yaml', 'localhost', 0)],
    [['word', '-config', 'x'], serve('/work/pools.yaml', undefined, 9090)],
    [['--', '-config', 'x'], serve('/work/pools.yaml', undefined, 9090)],
    [['-config', 'a', '-config', 'b'], serve('/work/b', undefined, 9090)],
  ])('R2.1 understands %j', (args, expected) => {
    expect(parse(...args)).toEqual(expected);
  });

  it.each([
    [['-port', '1'], 2, 'flag provided but not defined: -port'],
    [['-config'], 2, 'flag needs an argument: -config'],
    [['-h'], 0, 'Usage of'],
    [['--help'], 0, '-listen string'],
    [['-listen', '9090'], 1, 'must be HOST:PORT'],
    [['-listen', ':99999'], 1, 'must be HOST:PORT'],
  ])('ends at once for %j', (args, exitCode, said) => {
    expect(parse(...args)).toMatchObject({ kind: 'exit', exitCode, stderr: expect.stringContaining(said) as string });
  });
});
