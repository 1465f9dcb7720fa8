import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig, parseConfig } from '../../electron/engine/config/load-config.ts';
import { saveConfig } from '../../electron/engine/config/save-config.ts';
import { watchConfig, type ConfigWatch } from '../../electron/engine/config/watch-config.ts';
import { systemClock } from '../../electron/engine/ports/clock.ts';
import { form, scaled } from './support/scale.ts';

const surroundings = { env: { TOKEN: 'x' }, homeFolder: '/home/ann', platform: 'linux' } as const;

/** Some kilobytes, so that a write is no single page. */
const realistic = `# yaml-language-server: $schema=./corral.schema.json
server:
  port: 5526 # the usual
  apiKeys:
    - { name: ann, key: "\${env.TOKEN}", priority: 3 }
defaults: &d
  ttl: 30m
  queue: { max: 3, maxWait: 5m }
memory: { maxLoaded: 2 }
models:
  first:
    file: ~/models/first.gguf
    args: [--threads, 8, '--temp', "0.7"]
    ttl: 5m
${Array.from({ length: 40 }, (_, index) => `  model-${index}: # number ${index}\n    command: server --port \${PORT}\n    env: { A: 'ü ${index}' }\n`).join('')}`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-live-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('C1 a save that is killed', () => {
  const kills = scaled({ short: 20, long: 2000 });

  it(`leaves a whole file that loads, whenever the signal comes: ${kills} times ${form}`, async () => {
    const program = join(folder, 'save.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('../unit/config/fixtures/save-repeatedly.ts', import.meta.url))],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'error',
    });
    const configFolder = join(folder, 'config');
    await mkdir(configFolder);
    const filePath = join(configFolder, 'config.yaml');
    await writeFile(filePath, realistic);
    const lines = realistic.split('\n').length;

    let lastPort = 5526;
    let changed = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const child = spawn(process.execPath, [program, filePath], { stdio: ['ignore', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      await once(child.stdout, 'data');
      // Several saves take place within this time, so the signal meets any moment of one.
      await sleep(Math.random() * 25);
      expect(child.exitCode).toBeNull();
      child.kill('SIGKILL');
      await closed;

      const text = await readFile(filePath, 'utf8');
      const result = await loadConfig({ ...surroundings, filePath, isExplicit: true });
      if (!result.ok) expect.unreachable(JSON.stringify(result.errors));
      // One save whole or the other: both edits of it, and every line.
      const { port } = result.config.server;
      const ttlMs = result.config.models.get('first')?.ttlMs;
      expect(ttlMs).toBe(port === 5526 ? 300_000 : port * 1000);
      expect(text.split('\n')).toHaveLength(lines);
      if (port !== lastPort) changed += 1;
      lastPort = port;
    }
    expect(changed).toBeGreaterThan(kills / 10);
    const previous = parseConfig({ ...surroundings, text: await readFile(`${filePath}.previous`, 'utf8'), filePath });
    expect(previous.ok).toBe(true);
    // The next save that is left alone works in spite of what the killed ones left.
    const saved = await saveConfig({ ...surroundings, filePath, edits: [{ path: ['log', 'level'], value: 'debug' }] });
    expect(saved.ok).toBe(true);
  }, 900_000);
});

describe('C3 a file that ends anywhere', () => {
  it('never throws: it is an error with its place, or what is left of it is valid', () => {
    const bytes = Buffer.from(realistic.slice(0, 1500));
    const full = new Set(['first', ...Array.from({ length: 40 }, (_, index) => `model-${index}`)]);
    let errors = 0;
    for (let length = 0; length <= bytes.length; length += 1) {
      const text = bytes.subarray(0, length).toString('utf8');
      const result = parseConfig({ ...surroundings, text, filePath: '/c.yaml' });
      if (result.ok) {
        const cutOff = [...result.config.models.keys()].filter((id) => !full.has(id));
        expect(cutOff.length).toBeLessThanOrEqual(1);
      } else {
        errors += 1;
        expect(result.errors.length).toBeGreaterThan(0);
        expect(result.errors.every(({ message }) => message !== '')).toBe(true);
      }
    }
    expect(errors).toBeGreaterThan(100);
  });
});

describe('C4 the watch, in real time', () => {
  let watch: ConfigWatch;
  let filePath: string;
  let applied: string;

  async function start(path: string): Promise<void> {
    filePath = path;
    watch = watchConfig({
      filePath,
      clock: systemClock,
      logger: { log: () => undefined },
      onChange: () => {
        // What the engine does: read the file as it is now.
        void readFile(filePath, 'utf8').then(
          (text) => (applied = text),
          (error: unknown) => (applied = String((error as NodeJS.ErrnoException).code)),
        );
      },
    });
    await watch.ready;
    applied = 'at the start';
  }
  afterEach(() => watch.close());

  const expectApplied = (text: string): Promise<boolean> =>
    vi.waitUntil(() => applied === text, { timeout: 1000, interval: 5 });

  it.each([0, 7, 60])('applies the last of 100 renames within a second, %i ms apart', async (pauseMs) => {
    await writeFile(join(folder, 'config.yaml'), 'old');
    await start(join(folder, 'config.yaml'));
    for (let turn = 1; turn <= 100; turn += 1) {
      await writeFile(join(folder, 'config.yaml~'), `rename ${turn}`);
      await rename(join(folder, 'config.yaml~'), filePath);
      if (pauseMs > 0) await sleep(pauseMs);
    }
    await expectApplied('rename 100');
  });

  it('applies the last of 100 edits in place', async () => {
    await writeFile(join(folder, 'config.yaml'), 'old');
    await start(join(folder, 'config.yaml'));
    for (let turn = 1; turn <= 100; turn += 1) {
      await writeFile(filePath, '');
      await writeFile(filePath, `edit ${turn}`);
      if (turn % 25 === 0) await sleep(300);
    }
    await expectApplied('edit 100');
  });

  it('applies the last of 100 swaps of a link, of the file or of a folder above it', async () => {
    for (let version = 0; version <= 100; version += 1) {
      await mkdir(join(folder, `v${version}`));
      await writeFile(join(folder, `v${version}`, 'config.yaml'), `version ${version}`);
    }
    await symlink('v0', join(folder, '..data'));
    await symlink('..data/config.yaml', join(folder, 'config.yaml'));
    await start(join(folder, 'config.yaml'));
    for (let version = 1; version <= 50; version += 1) {
      await symlink(`v${version}`, join(folder, 'next'));
      await rename(join(folder, 'next'), join(folder, '..data'));
    }
    await expectApplied('version 50');
    for (let version = 51; version <= 100; version += 1) {
      await symlink(`v${version}/config.yaml`, join(folder, 'next'));
      await rename(join(folder, 'next'), filePath);
    }
    await expectApplied('version 100');
  });

  it('applies a file in a folder that is deleted and made again, many times over', async () => {
    await start(join(folder, 'sub', 'config.yaml'));
    for (let turn = 1; turn <= 30; turn += 1) {
      await rm(join(folder, 'sub'), { recursive: true, force: true });
      await mkdir(join(folder, 'sub'));
      await writeFile(filePath, `made ${turn}`);
    }
    await expectApplied('made 30');
    await rm(join(folder, 'sub'), { recursive: true });
    await expectApplied('ENOENT');
    await mkdir(join(folder, 'sub'));
    await writeFile(filePath, 'last');
    await expectApplied('last');
  });

  it('hears of a save by Corral itself, which leaves nothing but the file and the one before', async () => {
    await writeFile(join(folder, 'config.yaml'), realistic);
    await start(join(folder, 'config.yaml'));
    await saveConfig({ ...surroundings, filePath, edits: [{ path: ['memory', 'maxLoaded'], value: 3 }] });
    await expectApplied(realistic.replace('maxLoaded: 2', 'maxLoaded: 3'));
    expect((await readdir(folder)).sort()).toEqual(['config.yaml', 'config.yaml.previous']);
  });
});
