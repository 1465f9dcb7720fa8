import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/** How long the server that Electron is fetched from has to answer at all; offline this is what a start costs. */
const REACH_LIMIT_MS = 8000;
/** Some 120 MB; on a line that takes longer, `npx install-electron` can be left running by itself. */
const FETCH_LIMIT_MS = 5 * 60_000;

/**
 * Why no window can be opened here, whatever is installed; undefined if one can.
 * @param {{ platform: NodeJS.Platform, env: Record<string, string | undefined>, uid: number | undefined, args: readonly string[] }} start
 * @returns {string | undefined}
 */
export function whyHeadless({ platform, env, uid, args }) {
  if (args.includes('--headless')) return '--headless was asked for.';
  if ((env['CORRAL_HEADLESS'] ?? '') !== '') return 'CORRAL_HEADLESS is set.';
  if (platform !== 'linux') return undefined;
  const hasDisplay = [env['DISPLAY'], env['WAYLAND_DISPLAY']].some((name) => name !== undefined && name !== '');
  if (!hasDisplay) return 'there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set).';
  if (uid === 0) return 'Chromium’s sandbox does not run as root.';
  return undefined;
}

/**
 * Where Electron's binary comes from, by the same settings that its installer reads.
 * @param {Record<string, string | undefined>} env
 * @returns {string}
 */
export function electronOrigin(env) {
  return (
    env['npm_config_electron_mirror'] ??
    env['NPM_CONFIG_ELECTRON_MIRROR'] ??
    env['npm_package_config_electron_mirror'] ??
    env['ELECTRON_MIRROR'] ??
    'https://github.com/electron/electron/releases/download/'
  );
}

/**
 * The path of Electron's binary. It is not part of its npm package; where it is missing it is fetched, once a start.
 * @param {{ root: string, env: Record<string, string | undefined>, print: (line: string) => void, fetchLimitMs?: number, reachLimitMs?: number }} options
 * @returns {Promise<{ binary: string } | { reason: string }>}
 */
export async function findElectron({ root, env, print, fetchLimitMs = FETCH_LIMIT_MS, reachLimitMs = REACH_LIMIT_MS }) {
  const folder = path.join(root, 'node_modules', 'electron');
  const present = await findBinary(folder, env);
  if (present !== undefined) return { binary: present };
  const installer = path.join(folder, 'install.js');
  if (!(await isFile(installer))) return { reason: 'Electron is not installed; npm ci installs it.' };

  const origin = electronOrigin(env);
  const problem = await whyUnreachable(origin, env, reachLimitMs);
  if (problem !== undefined) return { reason: `Electron’s binary is not here, and ${origin} ${problem}.` };
  print('Fetching Electron’s binary (some 120 MB, once) …');
  const failure = await runInstaller(installer, root, fetchLimitMs);
  const fetched = await findBinary(folder, env);
  if (fetched !== undefined) return { binary: fetched };
  return { reason: `Electron’s binary could not be fetched: ${failure ?? 'its installer left none'}.` };
}

async function findBinary(folder, env) {
  const name = await readFile(path.join(folder, 'path.txt'), 'utf8').catch(() => undefined);
  if (name === undefined || name === '') return undefined;
  const binary = path.join(env['ELECTRON_OVERRIDE_DIST_PATH'] ?? path.join(folder, 'dist'), name);
  return (await isFile(binary)) ? binary : undefined;
}

async function isFile(file) {
  return await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The installer itself tries for minutes; whether there is anybody to ask shows within seconds. */
async function whyUnreachable(origin, env, limitMs) {
  // Node's fetch does not use the proxy that the installer may be told to use.
  const hasProxy = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => (env[name] ?? '') !== '');
  if (hasProxy) return undefined;
  try {
    const answer = await fetch(origin, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
    await answer.body?.cancel();
    return undefined; // Whatever it says of this address, it is there.
  } catch (thrown) {
    return thrown?.name === 'TimeoutError'
      ? `did not answer within ${limitMs / 1000} s`
      : `cannot be reached (${thrown?.cause?.code ?? thrown?.message ?? thrown})`;
  }
}

/** Undefined if it ended well, else why it did not. */
function runInstaller(installer, root, limitMs) {
  return new Promise((settle) => {
    const child = spawn(process.execPath, [installer], { cwd: root, stdio: ['ignore', 'inherit', 'pipe'] });
    let complaint = '';
    const limit = setTimeout(() => {
      complaint = `it took longer than ${Math.round(limitMs / 1000)} s`;
      child.kill('SIGKILL');
    }, limitMs);
    child.stderr.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(0, 2000);
    });
    const finish = (failure) => {
      clearTimeout(limit);
      settle(failure);
    };
    child.once('error', (error) => finish(error.message));
    child.once('close', (code) => {
      if (code === 0) finish(undefined);
      else finish(complaint.split('\n').find((line) => line.trim() !== '') ?? `its installer ended with ${code}`);
    });
  });
}
