import { describe, expect, it } from 'vitest';
import { parseRouterCommandLine } from '../../../../electron/engine/dialects/llama-router/command-line.ts';

describe('the command line of llama-router', () => {
  const repository = 'bartowski/Qwen3-8B-GGUF';
  it.each([
    [[], { kind: 'serve' }],
    [['--config', '/etc/llama-router/config.json'], { kind: 'serve', configFile: '/etc/llama-router/config.json' }],
    [['-h'], { kind: 'help' }],
    [['--help'], { kind: 'help' }],
    [['-hf', repository], { kind: 'download', repository }],
    [['-hfr', repository], { kind: 'download', repository }],
    [['--hf-repo', repository], { kind: 'download', repository }],
    [['-hf', `${repository}:Q4_K_M`], { kind: 'download', repository: `${repository}:Q4_K_M` }],
    [
      ['-hf', repository, '-hff', 'Qwen3-8B-Q4_K_M.gguf'],
      { kind: 'download', repository, file: 'Qwen3-8B-Q4_K_M.gguf' },
    ],
    [
      ['--hf-repo', repository, '--hf-file', 'Qwen3-8B-Q4_K_M.gguf'],
      { kind: 'download', repository, file: 'Qwen3-8B-Q4_K_M.gguf' },
    ],
    [['--import-dir', '~/my-models/'], { kind: 'import', folder: '~/my-models/' }],
    [['--config', 'c.json', '--import-dir', 'x'], { kind: 'import', configFile: 'c.json', folder: 'x' }],
  ])('%j', (args, command) => {
    expect(parseRouterCommandLine(args)).toEqual({ ok: true, command });
  });

  it.each([
    [['--config'], '--config needs a value'],
    [['-hf'], '-hf needs a value'],
    [['-hff', '-hf', repository], '-hff needs a value'],
    [['--import-dir', ''], '--import-dir needs a value'],
    [['-hf', 'no-slash'], '-hf must be user/repo or user/repo:quant'],
    [['-hff', 'x.gguf'], '-hff names a file in the repository that -hf names'],
    [['--verbose'], "Unknown option '--verbose'"],
    [['start'], "Unexpected argument 'start'"],
  ])('%j is refused', (args, message) => {
    expect(parseRouterCommandLine(args)).toEqual({ ok: false, message: expect.stringContaining(message) as unknown });
  });
});
