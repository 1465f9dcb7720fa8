import { describe, expect, it } from 'vitest';
import { llamaSwapCommandLine } from '../../../../electron/engine/dialects/llama-swap/command-line.ts';

const context = {
  env: {},
  homeFolder: '/home/ann',
  platform: 'linux' as const,
  workFolder: '/srv/swap',
  version: '1.2.3',
};
const parse = (...args: string[]): unknown => llamaSwapCommandLine.parse(args, context);
const serve = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  kind: 'serve',
  format: 'llama-swap',
  configFile: '/srv/swap/config.yaml',
  ...more,
});

describe('the flags of llama-swap', () => {
  it.each<[string[], unknown]>([
    [[], serve()],
    [['--config', 'other.yml'], serve({ configFile: '/srv/swap/other.yml' })],
    [['-config=/etc/swap.yml'], serve({ configFile: '/etc/swap.yml' })],
    [['--listen', ':8081'], serve({ port: 8081 })],
    [['--listen', '0.0.0.0:8081'], serve({ port: 8081 })],
    [['--listen', '127.0.0.1:0'], serve({ host: '127.0.0.1', port: 0 })],
    [['-listen=[::1]:9000'], serve({ host: '::1', port: 9000 })],
    [['--watch-config', '--config', 'a.yml'], serve({ configFile: '/srv/swap/a.yml' })],
    [['-watch-config=false'], serve()],
    [['--', '--config', 'not looked at'], serve()],
    [['word', '--nonsense'], serve()],
  ])('R4.1 %j', (args, action) => {
    expect(parse(...args)).toEqual(action);
  });

  it('ends with the version, or with the usage', async () => {
    const action = llamaSwapCommandLine.parse(['--version'], context);
    const printed: string[] = [];
    const tools = {
      ...context,
      version: '1.2.3',
      dataFolder: '/data',
      signal: new AbortController().signal,
      print: (line: string) => void printed.push(line),
      printError: () => undefined,
    };
    expect(action.kind === 'step' && (await action.run(tools))).toBe(0);
    expect(printed).toEqual(['version: 1.2.3 (Corral)']);
    expect(parse('-h')).toMatchObject({
      kind: 'exit',
      exitCode: 0,
      stderr: expect.stringContaining('-listen string') as string,
    });
  });

  it.each([
    [['--nonsense'], /^flag provided but not defined: -nonsense\nUsage/],
    [['--config'], /^flag needs an argument: -config\n/],
    [['---config'], /^bad flag syntax: ---config\n/],
    [['--watch-config=maybe'], /^invalid boolean value "maybe" for -watch-config/],
  ])('refuses %j as Go does', (args, message) => {
    expect(parse(...args)).toEqual({ kind: 'exit', exitCode: 2, stderr: expect.stringMatching(message) as string });
  });

  it.each([
    [['--listen', '8080'], /address/],
    [['--listen', ':99999'], /address/],
    [['--listen', '[nothing]:1'], /address/],
    [['--tls-cert-file', 'x'], /plain HTTP/],
    [['--config-dir', 'x'], /one file/],
  ])('cannot do %j, and says so', (args, message) => {
    expect(parse(...args)).toEqual({ kind: 'exit', exitCode: 1, stderr: expect.stringMatching(message) as string });
  });
});
