import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { argumentCount, parseHelp } from '../../../electron/engine/llama/capabilities.ts';

const help = (name: string): Promise<string> =>
  readFile(new URL(`../../fixtures/llama-help/${name}.txt`, import.meta.url), 'utf8');

describe('parseHelp', () => {
  it('reads every spelling of build 11669 and nothing that descriptions mention', async () => {
    const { flags, removed, entries, hasUnixSockets } = parseHelp(await help('build-11669'), '');
    for (const name of ['-ngl', '--gpu-layers', '--n-gpu-layers', '-nkvo', '--no-kv-offload', '--no-webui', '--ui']) {
      expect(flags).toContain(name);
    }
    for (const name of ['--fim-qwen-1.5b-default', '-ncffn', '--control-vector-layer-range', '--sse-ping-interval']) {
      expect(flags).toContain(name);
    }
    // Mentioned in descriptions only: `--logit-bias EOS-inf`, `--n-ubatch`, `--list-devices`' neighbours, `-1`.
    for (const name of ['--n-ubatch', '--mlock', '--no-mmap', '-1', '-inf', '--', '-----']) {
      expect(flags).not.toContain(name);
    }
    expect(entries.get('-ngl')).toBe(entries.get('--n-gpu-layers'));
    expect(entries.get('--load-mode')?.description).toMatch(
      /mmap\+mlock: mmap \+ force .* \(env: LLAMA_ARG_LOAD_MODE\)$/,
    );
    expect([...removed].sort()).toEqual(
      [
        ['--draft', '--draft-n', '--draft-max', '--draft-min', '--draft-n-min'],
        ['--spec-ngram-size-n', '--spec-ngram-size-m', '--spec-ngram-min-hits'],
      ]
        .flat()
        .sort(),
    );
    for (const name of removed) expect(flags).not.toContain(name);
    expect(hasUnixSockets).toBe(true);
  });

  it('reads about as many entries as the help has lines at the margin', async () => {
    const text = await help('build-11669');
    const lines = text.split('\n').filter((line) => /^-{1,2}[a-z]/i.test(line));
    const { entries, removed } = parseHelp(text, '');
    // Five entries are removed ones.
    expect(new Set(entries.values()).size).toBe(lines.length - 5);
    expect(removed.size).toBe(8);
  });

  it('reads the help of build 4600', async () => {
    const { flags, removed, entries, hasUnixSockets } = parseHelp(await help('build-4600-reconstruction'), '');
    for (const name of ['--mlock', '--no-mmap', '--no-webui', '-ngl', '--n-gpu-layers-draft', '--draft-max']) {
      expect(flags).toContain(name);
    }
    expect(flags).not.toContain('--hf-file');
    expect(removed.size).toBe(0);
    expect(entries.get('-fa')?.placeholder).toBe('');
    expect(hasUnixSockets).toBe(false);
  });

  it('reads the help of build 2500', async () => {
    const { flags, entries } = parseHelp(await help('build-2500-reconstruction'), '');
    for (const name of ['-h', '--help', '-ngl', '--n-gpu-layers', '--pooling', '--embeddings', '-ctk', '--host']) {
      expect(flags).toContain(name);
    }
    expect(entries.get('--n-gpu-layers')).toMatchObject({
      placeholder: 'N',
      description: 'number of layers to store in VRAM',
    });
    expect(flags.size).toBe(28);
  });

  it.each([
    ['version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU', 11669, '0.7.0 (build 11669, commit Debian)'],
    ['version: 4567 (abcdef12)\nbuilt with cc', 4567, '4567 (abcdef12)'],
    ['ggml_cuda_init: found 1 CUDA devices:\nversion: b6123 (abc)\r\n', 6123, 'b6123 (abc)'],
    ['version: 0 (unknown)', undefined, '0 (unknown)'],
    ['version: 0.7.0', undefined, '0.7.0'],
    ['something else', undefined, 'unknown'],
  ])('reads the version %j', (text, build, version) => {
    expect(parseHelp('', text)).toMatchObject({ build, version });
  });

  it('counts arguments', async () => {
    const { entries } = parseHelp(await help('build-4600-reconstruction'), '');
    const counts = ['-fa', '-ngl', '-dev', '--lora-scaled', '--control-vector-layer-range', '-hf', '--pooling'].map(
      (name) => argumentCount(entries.get(name)!),
    );
    expect(counts).toEqual([0, 1, 1, 2, 2, 1, 1]);
    const tensor = parseHelp(await help('build-11669'), '').entries.get('--override-tensor')!;
    expect(argumentCount(tensor)).toBe(1);
  });

  it('never throws, and ends on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('-', 'a', ' ', ',', '\n', 'N', '<', '['), maxLength: 300 }),
        (text) => {
          const { flags } = parseHelp(text, text);
          for (const flag of flags) expect(flag).toMatch(/^-{1,2}[a-z]/i);
        },
      ),
    );
  });
});
