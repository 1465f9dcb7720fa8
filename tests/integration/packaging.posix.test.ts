import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readAsar, type AsarArchive } from './support/asar.ts';

/**
 * Packs the app for real with electron-builder, around a folder that stands in for Electron's release, and looks at what
 * got in. The stand-in's program is Node on the packed files, so that the command of an installed Corral can be run.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

let folder: string;
let resources: string;
let asar: AsarArchive;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-packaging-'));
  const electron = path.join(folder, 'electron');
  await mkdir(path.join(electron, 'locales'), { recursive: true });
  await mkdir(path.join(electron, 'resources'));
  await writeFile(path.join(electron, 'version'), '0.0.0');
  await writeFile(path.join(electron, 'LICENSE'), 'MIT');
  await writeFile(path.join(electron, 'LICENSES.chromium.html'), '');
  await writeFile(path.join(electron, 'locales', 'en-US.pak'), '');
  await writeFile(
    path.join(electron, 'electron'),
    `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/resources/extracted/out/entry.js" "$@"\n`,
    { mode: 0o755 },
  );

  const config = parse(await readFile(path.join(root, 'electron-builder.yml'), 'utf8')) as Record<string, unknown>;
  const configPath = path.join(folder, 'electron-builder.json');
  await writeFile(
    configPath,
    JSON.stringify({
      ...config,
      electronDist: electron,
      // They are bits in Electron's program, which the stand-in does not have.
      electronFuses: null,
      directories: { buildResources: 'build', output: path.join(folder, 'release') },
    }),
  );
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('electron-builder/package.json');
  const builder = path.join(path.dirname(manifest), 'out', 'cli', 'cli.js');
  const args = [builder, '--linux', 'dir', '--x64', '--publish', 'never', '--config', configPath];
  await run(process.execPath, args, { cwd: root, env: { ...process.env, CSC_IDENTITY_AUTO_DISCOVERY: 'false' } });

  resources = path.join(folder, 'release', 'linux-unpacked', 'resources');
  asar = await readAsar(path.join(resources, 'app.asar'));
  await asar.extractTo(path.join(resources, 'extracted'));
  const { length } = await readFile(path.join(resources, 'app.asar'));
  console.log(`The packed app: ${asar.paths.length} files, ${(length / 1e6).toFixed(1)} MB`);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('what is packed', () => {
  test('everything that was built, and no source maps', async () => {
    const built = (await readdir(path.join(root, 'out'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
    const packed = asar.paths.filter((file) => file.startsWith('out/'));
    expect(packed.toSorted()).toEqual(built.toSorted());
    expect(packed).toEqual(expect.arrayContaining(['out/entry.js', 'out/cli.js', 'out/gguf-metadata-worker.js']));
  });

  test.each([
    ['electron/main.ts', 'out/main.js'],
    ['electron/preload.ts', 'out/preload.cjs'],
    ['renderer/index.html', 'out/renderer/index.html'],
  ])('what is made of %s', (source, output) => {
    expect(asar.paths.includes(output)).toBe(existsSync(path.join(root, source)));
  });

  test('nothing of the repository besides', () => {
    const top = new Set(asar.paths.map((file) => file.split('/')[0]));
    expect([...top].toSorted()).toEqual(['LICENSE', 'node_modules', 'out', 'package.json']);
  });

  test('exactly the production packages', async () => {
    const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; dev?: boolean; devOptional?: boolean; optional?: boolean }>;
    };
    // electron-builder hoists on its own, so the folder does not matter.
    const wanted = Object.entries(lock.packages)
      .filter(([name, { dev, devOptional, optional }]) => name !== '' && !dev && !devOptional && !optional)
      .map(([name, { version }]) => `${name.slice(name.lastIndexOf('node_modules/') + 13)}@${version}`);
    const packed = asar.paths
      .filter((file) => /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file))
      .map((file) => JSON.parse(asar.read(file).toString()) as { name: string; version: string });
    expect(packed.map(({ name, version }) => `${name}@${version}`).toSorted()).toEqual(wanted.toSorted());
    const names = packed.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['express', 'undici', 'zod', 'electron-updater']));
    for (const name of ['react', 'vite', 'typescript', 'electron', 'electron-builder', 'playwright', 'esbuild']) {
      expect(names).not.toContain(name);
    }
  });

  test('no sources, tests, type declarations, prose or keys', () => {
    const unwanted = asar.paths.filter(
      (file) =>
        /\.(ts|mts|cts|tsx|map|pem|key|p12|pfx|crt|gguf|log|sh|yml)$/.test(file) ||
        /(^|\/)(\.env[^/]*|\.npmrc|\.git[^/]*|__tests__|tests?|benchmarks?|coverage)(\/|$)/.test(file) ||
        /(^|\/)(README|CHANGELOG|HISTORY)[^/]*$/i.test(file),
    );
    expect(unwanted).toEqual([]);
  });

  test('the licences of the packages', async () => {
    for (const manifest of asar.paths.filter((file) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file))) {
      const name = path.posix.dirname(manifest);
      const licences = (await readdir(path.join(root, name))).filter((file) =>
        /^(licen[cs]e|copying|notice)/i.test(file),
      );
      expect(asar.paths).toEqual(expect.arrayContaining(licences.map((file) => `${name}/${file}`)));
    }
  });

  test('a manifest that starts the entry and has no scripts', () => {
    const manifest = JSON.parse(asar.read('package.json').toString()) as Record<string, unknown>;
    expect(manifest).toMatchObject({ name: 'corral', main: 'out/entry.js', type: 'module' });
    expect(manifest).not.toHaveProperty('scripts');
    expect(manifest).not.toHaveProperty('devDependencies');
  });

  test('nothing lies beside the archive that its integrity check would miss', async () => {
    expect(asar.unpackedPaths).toEqual([]);
    expect((await readdir(resources)).toSorted()).toEqual(['app.asar', 'cli', 'extracted', 'tray']);
    expect((await readdir(path.join(resources, 'tray'))).includes('ready-dark.png')).toBe(true);
  });
});

describe('the corral command of the package', () => {
  test('is reached through links, and hands on arguments and exit code', async () => {
    const bin = path.join(folder, 'a path with spaces');
    await mkdir(bin);
    await symlink(path.join(resources, 'cli', 'corral'), path.join(folder, 'alternatives'));
    await symlink('../alternatives', path.join(bin, 'corral'));
    const { version } = JSON.parse(asar.read('package.json').toString()) as { version: string };
    const { stdout } = await run(path.join(bin, 'corral'), ['--version']);
    expect(stdout.trim()).toBe(version);
    await expect(run(path.join(bin, 'corral'), ['no such verb'])).rejects.toMatchObject({ code: 2 });
  });

  test('says what to do when the app is gone', async () => {
    const elsewhere = path.join(folder, 'corral');
    await writeFile(elsewhere, await readFile(path.join(resources, 'cli', 'corral')), { mode: 0o755 });
    await expect(run(elsewhere, ['ps'])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Install it again') as string,
    });
  });

  test('serves from what is packed, and nothing more is needed', async () => {
    const dataDir = path.join(folder, 'data');
    const configFile = path.join(folder, 'config.yaml');
    await writeFile(configFile, 'engine: { autoInstall: false }\nserver: { port: 0 }\n');
    const child = spawn(
      path.join(resources, 'cli', 'corral'),
      ['serve', '--config', configFile, '--data-dir', dataDir],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const exited = once(child, 'exit');
    try {
      const errors: string[] = [];
      child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
      let address: string | undefined;
      for await (const line of createInterface({ input: child.stdout })) {
        address = /listens on (\S+)/.exec(line)?.[1];
        if (address !== undefined) break;
      }
      expect(address, errors.join('')).toBeDefined();
      const answer = await fetch(`${address ?? ''}/health`);
      expect(answer.status).toBe(200);
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = (await exited) as [number | null];
    expect(code).toBe(0);
  });
});
