import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { _electron, type ElectronApplication, type Page } from 'playwright';
import { spawn } from 'node:child_process';
import { cliEnv } from '../integration/support/corral-process.ts';
import type { DesktopApp, DesktopDriver, LaunchOptions } from './driver.ts';
import { isExecutable } from './support/chromium.ts';
import { waitUntil } from './support/wait-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hookFile = path.join(root, 'node_modules', '.cache', 'corral-electron-hook', 'hook.cjs');
/** What a window needs of the desktop it is shown on. */
const desktopVariables = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS', 'SYSTEMROOT', 'TEMP'];

/** Electron's binary: `CORRAL_ELECTRON`, or the one that was downloaded for the package; never downloads it. */
export async function findElectron(): Promise<string | undefined> {
  const configured = process.env['CORRAL_ELECTRON'];
  if (configured !== undefined && configured !== '') {
    if (await isExecutable(configured)) return path.resolve(configured);
    throw new Error(`CORRAL_ELECTRON is ${configured}, which is no program. Set it to the path of Electron.`);
  }
  const folder = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  const name = await readFile(path.join(folder, 'path.txt'), 'utf8').catch(() => undefined); // Written by the download.
  if (name === undefined) return undefined;
  const executable = path.join(folder, 'dist', name);
  return (await isExecutable(executable)) ? executable : undefined;
}

/** Runs the unpackaged app in real Electron; a script loaded before it records tray, dialogs and notifications. */
export async function createElectronDriver(executable: string): Promise<DesktopDriver> {
  await build({
    absWorkingDir: root,
    entryPoints: ['./tests/e2e/electron-hook.ts'],
    outfile: hookFile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['electron'],
    logLevel: 'warning',
  });
  return {
    name: `Electron (${executable})`,
    launch: async (options) => await launch(executable, options),
  };
}

async function launch(executable: string, { folder, args, env = {} }: LaunchOptions): Promise<DesktopApp> {
  const shown = desktopVariables.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const appEnv = { ...Object.fromEntries(shown), ...cliEnv(folder), ...env };
  // As root, and in most containers, Chromium's own sandbox cannot be had.
  const switches = process.platform === 'linux' ? ['--no-sandbox'] : [];
  const launchArgs = (appArgs: readonly string[]): string[] => ['-r', hookFile, ...switches, root, ...appArgs];
  const electron: ElectronApplication = await _electron.launch({
    executablePath: executable,
    args: launchArgs(args),
    env: appEnv,
    cwd: folder.path,
  });
  const child = electron.process();
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const crashed = new Set<Page>();
  electron.on('window', (page) => page.once('crash', () => void crashed.add(page)));

  const askHook = (name: string, question: unknown): Promise<unknown> =>
    electron.evaluate(
      async (_electronModule, [asked, about]) =>
        await (
          globalThis as unknown as { corralTestControl(name: string, question: unknown): unknown }
        ).corralTestControl(asked, about),
      [name, question] as const,
    );

  return {
    pid: child.pid ?? 0,
    exited,
    ask: async (name, ...question) => (await askHook(name, question[0] ?? null)) as never,
    page: () =>
      waitUntil(
        'the window shows its page',
        () =>
          electron
            .windows()
            .findLast((page) => !page.isClosed() && !crashed.has(page) && page.url().includes('://app/')),
        60_000,
      ),
    invokeFromFrame: (channel, invokeArgs) => askHook('invokeFromFrame', { channel, args: invokeArgs }),
    async launchSecond(secondArgs = args) {
      const startedMs = performance.now();
      const second = spawn(executable, [...switches, root, ...secondArgs], {
        env: appEnv,
        cwd: folder.path,
        stdio: 'ignore',
      });
      const exitCode = await new Promise<number | null>((resolve) => second.once('exit', resolve));
      return { exitCode, tookMs: performance.now() - startedMs };
    },
    output: () => output,
    async dispose() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
