import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importConfigFile } from '../../../../electron/cli/verbs/config-import.ts';
import { parseConfig } from '../../../../electron/engine/config/load-config.ts';
import { createContext } from '../support/recording-terminal.ts';

const document = {
  owner: 'me',
  system: { llamaServer: '/opt/llama-server', rocmSmi: 'rocm-smi' },
  models: { m: { modelFilePath: '/m.gguf', network: { port: 1 }, wish: 1 } },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function importing(
  value: unknown,
  more: { isJson?: boolean; output?: string; isForced?: boolean } = {},
): Promise<{ isImported: boolean; output: string; errors: string }> {
  const file = path.join(folder, 'config.json');
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
  const context = createContext({ isJson: more.isJson ?? false });
  const { output, isForced = false } = more;
  const isImported = await importConfigFile(context, { file, format: undefined, output, isForced });
  return { isImported, output: context.terminal.output, errors: context.terminal.errors };
}

describe('corral config import', () => {
  it('writes a native configuration, and what became of each key beside it', async () => {
    const { isImported, output, errors } = await importing(document);
    expect(isImported).toBe(true);
    const surroundings = { env: {}, homeFolder: '/home/u', platform: 'linux' as const };
    const parsed = parseConfig({ ...surroundings, text: output, filePath: '/etc/corral.yaml' });
    expect(parsed).toMatchObject({
      ok: true,
      config: { engine: { path: '/opt/llama-server' }, server: { port: 5526 } },
    });
    expect(output).toMatch(/^# Imported from .*config\.json \(llama_cpp_router\)\.\n/);
    expect(errors).toMatch(/^ {2}mapped {8}system\.llamaServer: engine\.path$/m);
    expect(errors).toMatch(/^ {2}approximated {2}system\.rocmSmi: .+$/m);
    expect(errors).toMatch(/^ {2}dropped {7}models\.m\.wish: Corral does not know this key$/m);
  });

  it('writes to a file that only its owner may read, and replaces none without being told', async () => {
    const output = path.join(folder, 'out.yaml');
    expect((await importing(document, { output })).output).toBe('');
    const first = await readFile(output, 'utf8');
    expect(first).toContain('/m.gguf');
    if (process.platform !== 'win32') expect((await stat(output)).mode & 0o777).toBe(0o600);
    const other = { ...document, owner: 'other' };
    await expect(importing(other, { output })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/--force/) as string,
    });
    expect(await readFile(output, 'utf8')).toBe(first);
    await importing(other, { output, isForced: true });
    expect(await readFile(output, 'utf8')).toContain('owner: other');
  });

  it('gives programs all of it as JSON', async () => {
    const { output, errors } = await importing(document, { isJson: true });
    expect(errors).toBe('');
    expect(JSON.parse(output)).toMatchObject({
      format: 'llama_cpp_router',
      output: null,
      config: { engine: { path: '/opt/llama-server' } },
      report: expect.arrayContaining([
        { path: 'models.m.modelFilePath', outcome: 'mapped', note: 'models.m.file', to: 'models.m.file' },
      ]) as unknown,
      warnings: expect.arrayContaining([
        { path: 'models.m.wish', message: 'has no effect: Corral does not know this key' },
      ]) as unknown,
    });
  });

  it.each([
    [{ ...document, owner: 5 }, /^Config validation error in ".*":\nowner: /],
    ['models: {}', /cannot be imported:\n {2}is no file of another program; looked for: .*modelFilePath/],
    ['name: x', /in no format that Corral knows/],
  ])('says why %j cannot be imported', async (value, message) => {
    const { isImported, output, errors } = await importing(value);
    expect(isImported).toBe(false);
    expect(output).toBe('');
    expect(errors).toMatch(message);
    const asJson = await importing(value, { isJson: true });
    expect(JSON.parse(asJson.output)).toMatchObject({ errors: [{ message: expect.any(String) as string }] });
  });
});
