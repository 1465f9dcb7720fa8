import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findElectron, whyHeadless } from '../../../build/find-desktop.js';

describe('whyHeadless', () => {
  const desk = { platform: 'linux' as const, env: { DISPLAY: ':0' }, uid: 1000, args: [] };

  it.each([
    [desk, undefined],
    [{ ...desk, env: { WAYLAND_DISPLAY: 'wayland-0' } }, undefined],
    [{ ...desk, env: {} }, /no display/],
    [{ ...desk, env: { DISPLAY: '' } }, /no display/],
    [{ ...desk, uid: 0 }, /root/],
    [{ ...desk, args: ['--port', '0', '--headless'] }, /--headless/],
    [{ ...desk, env: { DISPLAY: ':0', CORRAL_HEADLESS: '1' } }, /CORRAL_HEADLESS/],
    [{ ...desk, platform: 'win32' as const, env: {}, uid: undefined }, undefined],
    [{ ...desk, platform: 'darwin' as const, env: {} }, undefined],
  ])('%#', (start, reason) => {
    const why = whyHeadless(start);
    if (reason === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(reason);
  });
});

describe('findElectron', () => {
  let root: string;
  let mirror: http.Server;
  let origin: string;
  const lines: string[] = [];

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'corral-electron-'));
    await mkdir(path.join(root, 'node_modules/electron'), { recursive: true });
    mirror = http.createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/`;
    lines.length = 0;
  });
  afterEach(async () => {
    mirror.closeAllConnections();
    mirror.close();
    await rm(root, { recursive: true, force: true });
  });

  const file = (name: string) => path.join(root, 'node_modules/electron', name);
  const find = (env: Record<string, string> = {}) =>
    findElectron({
      root,
      env: { ELECTRON_MIRROR: origin, ...env },
      print: (line) => void lines.push(line),
      fetchLimitMs: 20_000,
      reachLimitMs: 5000,
    });

  /** An installer that does as Electron's: puts the binary in its place, or fails. */
  async function putInstaller(script: string): Promise<void> {
    await writeFile(file('package.json'), '{}');
    await writeFile(file('install.js'), `const fs = require('fs'); const at = (f) => __dirname + '/' + f;\n${script}`);
  }

  it('takes the binary that is there', async () => {
    await mkdir(file('dist'));
    await writeFile(file('path.txt'), 'electron');
    await writeFile(file('dist/electron'), '');
    await chmod(file('dist/electron'), 0o755);
    expect(await find()).toEqual({ binary: file('dist/electron') });
    expect(lines).toEqual([]);
  });

  it('fetches it once where it is missing, and says so', async () => {
    await putInstaller(
      `fs.mkdirSync(at('dist')); fs.writeFileSync(at('dist/electron'), ''); fs.writeFileSync(at('path.txt'), 'electron');`,
    );
    expect(await find()).toEqual({ binary: file('dist/electron') });
    expect(lines).toHaveLength(1);
  });

  it('says why it could not be fetched', async () => {
    await putInstaller(`console.error('HTTPError: 404 for electron.zip'); process.exit(1);`);
    expect(await find()).toEqual({ reason: expect.stringContaining('HTTPError: 404 for electron.zip') as string });
  });

  it('does not begin where nobody can be asked', async () => {
    await putInstaller(`fs.writeFileSync(at('was-run'), '');`);
    mirror.close();
    expect(await find()).toEqual({ reason: expect.stringContaining('ECONNREFUSED') as string });
    expect(lines).toEqual([]);
  });

  it('says that the package itself is missing', async () => {
    expect(await find()).toEqual({ reason: expect.stringContaining('npm ci') as string });
  });
});
