import { describe, expect, it } from 'vitest';
import { detectFormat } from '../../../electron/engine/config/detect-format.ts';
import { interpretConfig } from '../../../electron/engine/config/interpret-config.ts';
import { foreignFormats } from '../../../electron/engine/dialects/foreign-formats.ts';
import { sourceOf, surroundings } from '../dialects/support.ts';

function detect(text: string): string {
  const detected = detectFormat(sourceOf(text), foreignFormats);
  return detected.kind === 'foreign' ? detected.format.name : detected.kind;
}

const readAs = (text: string, format?: 'native' | 'llama_cpp_router') =>
  interpretConfig({ ...surroundings, text, filePath: '/etc/c.json', format });

describe('whose configuration a file is', () => {
  it.each([
    ['{"models": {"a": {"modelFilePath": "a.gguf"}}}', 'llama_cpp_router'],
    ['{"system": {"llamaServer": "x"}, "models": {}}', 'llama_cpp_router'],
    ['', 'native'],
    ['{}', 'native'],
    ['models: {}', 'native'],
    ['models: {}\nunknown: 1', 'native'],
    ['server: [', 'native'],
    // A slip in a file that can only be Corral's is told as that.
    ['{"memory": {}, "models": {"a": {"modelFilePath": "a.gguf"}}}', 'native'],
    ['owner: me', 'unknown'],
    ['[1]', 'unknown'],
    ['just a text', 'unknown'],
  ])('%j is %s', (text, format) => {
    expect(detect(text)).toBe(format);
  });

  it('says what was looked for in a file of no known format', async () => {
    const result = await readAs('name: thing');
    expect(result.ok ? [] : result.errors).toEqual([
      { path: '', message: expect.stringMatching(/in no format that Corral knows.*modelFilePath.*--format/) as string },
    ]);
  });

  it('takes the word of who knows better', async () => {
    const text = '{"owner": "me", "models": {}}';
    expect(await readAs(text, 'llama_cpp_router')).toMatchObject({
      ok: true,
      config: { foreign: { format: 'llama_cpp_router' } },
    });
    const native = await readAs(text, 'native');
    expect(native.ok ? [] : native.errors.map(({ path }) => path)).toEqual(['owner']);
  });
});
