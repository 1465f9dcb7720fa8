import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../../../electron/engine/config/load-config.ts';
import { importPresets } from '../../../../electron/engine/dialects/presets/import-presets.ts';
import { parseIni } from '../../../../electron/engine/dialects/presets/parse-ini.ts';
import { findPresetFlag } from '../../../../electron/engine/dialects/presets/preset-flags.ts';
import { parseHelp } from '../../../../electron/engine/llama/capabilities.ts';

const fixture = new URL('../../../fixtures/seeds/examples/llama-presets.ini', import.meta.url);
const help = new URL('../../../fixtures/llama-help/build-11669.txt', import.meta.url);

function imported(text: string): ReturnType<typeof importPresets> {
  const ini = parseIni(text);
  if (!ini.ok) throw new Error(JSON.stringify(ini.errors));
  return importPresets(ini.sections);
}

const modelsOf = (text: string): unknown => imported(text).native['models'];

describe('a file of presets', () => {
  it('becomes a model a section, with what [*] says of all', async () => {
    const { native, warnings } = imported(await readFile(fixture, 'utf8'));
    expect(native).toEqual({
      memory: { maxLoaded: 2 },
      models: {
        'ggml-org/MY-MODEL-GGUF:Q8_0': {
          startup: true,
          stopGrace: '3s',
          command: [
            'llama-server',
            '--host',
            '${HOST}',
            '--port',
            '${PORT}',
            '--hf-repo',
            'ggml-org/MY-MODEL-GGUF:Q8_0',
            '--ctx-size',
            '8192',
            '--n-gpu-layers',
            '123',
            '--threads',
            '4',
            '--chat-template',
            'chatml',
            '--jinja',
            '--cache-ram',
            '0',
            '--no-kv-offload',
          ],
        },
        custom_model: {
          file: '/models/custom.gguf',
          mmproj: 'vision/mmproj.gguf',
          contextSize: 4096,
          gpuLayers: 8,
          kvCacheType: 'q8_0',
          aliases: ['custom', 'other'],
          embeddings: true,
          pooling: 'mean',
          stopGrace: '3s',
          ttl: '600s',
          args: [
            '--threads',
            '4',
            '--flash-attn',
            'on',
            '--no-context-shift',
            '--no-context-shift',
            '--chat-template-kwargs',
            '{"reasoning_effort": "high"}',
            '--parallel',
            '-1',
          ],
        },
      },
    });
    expect(warnings.map(({ path }) => path)).toEqual([
      '["*"].mystery',
      'custom_model.host',
      'custom_model.api-key',
      'custom_model.warp-speed',
      'nothing',
    ]);
  });

  it('is a valid configuration', async () => {
    const { native } = imported(await readFile(fixture, 'utf8'));
    const result = parseConfig({
      text: stringify(native),
      filePath: '/etc/presets.ini',
      env: {},
      homeFolder: '/home/ann',
      platform: 'linux',
    });
    expect(result.ok ? [] : result.errors).toEqual([]);
  });

  it('says of every key what became of it', async () => {
    const ini = parseIni(await readFile(fixture, 'utf8'));
    if (!ini.ok) throw new Error('no ini');
    const { report } = importPresets(ini.sections);
    const paths = new Set(report.map(({ path }) => path));
    const untold = ini.sections
      .filter(({ name }) => name !== 'nothing')
      .flatMap(({ name, entries }) =>
        entries.filter(({ key }) => ![...paths].some((path) => path.endsWith(key))).map(({ key }) => [name, key]),
      );
    expect(untold).toEqual([]);
    expect(report).toContainEqual(
      expect.objectContaining({ path: 'ggml-org/MY-MODEL-GGUF:Q8_0', outcome: 'approximated' }),
    );
  });

  it.each<[string, string, unknown]>([
    [
      'an own key over one of all, whatever its spelling',
      '[*]\nctx-size = 1\n[m]\nmodel = a.gguf\nLLAMA_ARG_CTX_SIZE = 2',
      { contextSize: 2 },
    ],
    ['dashes', '[m]\n--model = a.gguf\n-ngl = all', { gpuLayers: 'all' }],
    [
      'different types of cache',
      '[m]\nm = a.gguf\nctk = q8_0\nctv = f16',
      { args: ['--cache-type-k', 'q8_0', '--cache-type-v', 'f16'] },
    ],
    ['what is off without a word for it', '[m]\nm = a.gguf\nmetrics = false', {}],
    ['a value with ${', '[m]\nm = a.gguf\ngrammar = a${b}', { args: ['--grammar', 'a$${b}'] }],
    ['a value with a hash', '[m]\nm = a.gguf\nchat-template = a#b # more', { args: ['--chat-template', 'a#b'] }],
  ])('understands %s', (_what, text, model) => {
    expect(modelsOf(text)).toEqual({ m: { file: 'a.gguf', ...(model as object) } });
  });

  it('tells every line that it does not understand', () => {
    expect(parseIni('[a]\nkey\n= 1\n[b\nx = 1\n')).toEqual({
      ok: false,
      errors: [2, 3, 4].map((line) => ({ path: '', message: expect.any(String) as string, line })),
    });
  });
});

describe('the table of flags', () => {
  it('has every flag of a build but those that print something and end', async () => {
    const { entries } = parseHelp(await readFile(help, 'utf8'), '');
    const asking = /^--?(h|help|usage|version|cl|cache-list|completion-bash|list-devices)$/;
    const missing = [...entries.keys()].filter(
      (name) => !asking.test(name) && findPresetFlag(name.replace(/^-+/, '')) === undefined,
    );
    expect(missing).toEqual([]);
  });

  it.each([
    ['jinja', { name: 'jinja', takesValue: false, negative: 'no-jinja', isNegated: false }],
    ['no-jinja', { name: 'jinja', takesValue: false, negative: 'no-jinja', isNegated: true }],
    ['nkvo', { name: 'kv-offload', takesValue: false, negative: 'no-kv-offload', isNegated: true }],
    ['no-host', { name: 'no-host', takesValue: false, negative: undefined, isNegated: false }],
    ['LLAMA_ARG_CTX_SIZE', { name: 'ctx-size', takesValue: true, negative: undefined, isNegated: false }],
    ['nothing', undefined],
  ])('knows %s', (key, flag) => {
    expect(findPresetFlag(key)).toEqual(flag);
  });
});
