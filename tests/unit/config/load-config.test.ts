import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, MAX_CONFIG_BYTES } from '../../../electron/engine/config/load-config.ts';
import { surroundings } from './support/config-text.ts';

describe('loadConfig', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corral-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads a file', async () => {
    const filePath = join(folder, 'c.yaml');
    await writeFile(filePath, 'models: { a: { file: x.gguf } }');
    const result = await loadConfig({ ...surroundings, filePath, isExplicit: true });
    expect(result.ok && result.config.filePath).toBe(filePath);
    expect(result.ok && result.config.models.get('a')).toMatchObject({ file: join(folder, 'x.gguf') });
  });

  it.each(['', '\n', '\uFEFF\n'])(
    'takes the file %j as one without settings, but not in place of one in use',
    async (text) => {
      const filePath = join(folder, 'empty.yaml');
      await writeFile(filePath, text);
      expect(await loadConfig({ ...surroundings, filePath, isExplicit: true })).toMatchObject({ ok: true });
      expect(await loadConfig({ ...surroundings, filePath, isExplicit: true, isInUse: true })).toMatchObject({
        ok: false,
        errors: [{ path: '', message: expect.stringContaining('empty') as string }],
      });
    },
  );

  it('takes the defaults if there is no file, but not if one was named', async () => {
    const filePath = join(folder, 'missing.yaml');
    const result = await loadConfig({ ...surroundings, filePath, isExplicit: false });
    expect(result.ok && result.config).toMatchObject({ filePath: undefined, server: { port: 5526 } });
    await expect(loadConfig({ ...surroundings, filePath, isExplicit: true })).resolves.toEqual({
      ok: false,
      errors: [{ path: '', message: expect.stringContaining('does not exist') as string }],
    });
  });

  it.each([
    ['too large', Buffer.alloc(MAX_CONFIG_BYTES + 1, '#'), /larger than 4 MiB/],
    ['not UTF-8', Buffer.from([0x61, 0xff, 0xfe]), /UTF-8/],
  ])('refuses a file that is %s', async (name, data, message) => {
    const filePath = join(folder, `${name}.yaml`);
    await writeFile(filePath, data);
    const result = await loadConfig({ ...surroundings, filePath, isExplicit: false });
    expect(result.ok ? '' : result.errors[0]?.message).toMatch(message);
  });

  it('refuses a folder', async () => {
    const result = await loadConfig({ ...surroundings, filePath: folder, isExplicit: false });
    expect(result.ok ? '' : result.errors[0]?.message).toMatch(/is a folder/);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const filePath = join(folder, 'c.yaml');
    await expect(loadConfig({ ...surroundings, filePath, isExplicit: true, signal })).rejects.toThrow('enough');
  });
});
