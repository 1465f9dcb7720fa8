import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectFormat } from '../../../electron/engine/config/detect-format.ts';
import { importConfig } from '../../../electron/engine/config/interpret-config.ts';
import { parseConfig } from '../../../electron/engine/config/load-config.ts';
import { foreignFormats } from '../../../electron/engine/dialects/foreign-formats.ts';
import { leafPaths, UNKNOWN_KEY_NOTE } from '../../../electron/engine/dialects/import-account.ts';
import { stringify } from 'yaml';
import { sourceOf, surroundings } from './support.ts';

const folder = fileURLToPath(new URL('../../fixtures/seeds/examples', import.meta.url));
const files = await readdir(folder);

/** What the README's own example says is there, for the program that looks. */
let app: string;
beforeAll(async () => {
  app = (await mkdtemp(path.join(tmpdir(), 'corral-test-'))).replaceAll('\\', '/');
  await mkdir(path.join(app, 'models'));
  await writeFile(path.join(app, 'llama-server'), '', { mode: 0o755 });
  await writeFile(path.join(app, 'models', 'Qwen3-4B-Instruct.gguf'), '');
});
afterAll(() => rm(app, { recursive: true, force: true }));

async function readExample(filePath: string): Promise<string> {
  return (await readFile(filePath, 'utf8')).replaceAll('"/app/', `"${app}/`);
}

describe('the example of each program', () => {
  it.each(foreignFormats.map(({ name }) => name))('is there for %s', (name) => {
    expect(files.some((file) => file.startsWith(`${name}.`))).toBe(true);
  });

  it.each(files)('%s is recognised by what it holds', async (file) => {
    const filePath = path.join(folder, file);
    const source = sourceOf(await readFile(filePath, 'utf8'), filePath);
    const detected = detectFormat(source, foreignFormats);
    expect(detected.kind === 'foreign' && detected.format.name).toBe(/^[^.]+/.exec(file)?.[0]);
  });

  it.each(files)(
    '%s is imported with an account of every key, and what comes of it is a valid native file',
    async (file) => {
      const filePath = path.join(folder, file);
      const text = await readExample(filePath);
      const result = await importConfig({ ...surroundings, text, filePath });
      if (!result.ok) throw new Error(result.say ?? JSON.stringify(result.errors));
      expect(result.report.filter(({ note }) => note === UNKNOWN_KEY_NOTE)).toEqual([]);
      for (const leaf of leafPaths(sourceOf(text).value)) {
        expect(
          result.report.some(({ path: key }) => leaf.startsWith(key)),
          leaf,
        ).toBe(true);
      }
      const native = parseConfig({
        ...surroundings,
        text: stringify(result.native),
        filePath: '/etc/corral/config.yaml',
      });
      expect(native).toMatchObject({ ok: true });
    },
  );
});
