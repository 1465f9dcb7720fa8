import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packagedPrograms, unpackedFolder } from './packaged-app.ts';

/**
 * Starts a packaged Corral as at login, asks it over HTTP whether it is well, asks it by its own `corral` command, stops
 * it, and looks for processes that it left. `npm run test:packaged -- [folder of the app]`; by default what
 * `npm run dist` made in release/ for this machine. The fuses of a packaged app forbid looking any deeper.
 */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 250;

const run = promisify(execFile);
const releaseFolder = fileURLToPath(new URL('../release', import.meta.url));
const appFolder = path.resolve(process.argv[2] ?? unpackedFolder(releaseFolder, process.platform, process.arch));
const programs = packagedPrograms(appFolder, process.platform);

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Until `check` gives something, or the deadline; `undefined` then. */
async function until<T>(timeoutMs: number, check: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    const found = await check();
    if (found !== undefined) return found;
    await wait(POLL_MS);
  }
  return undefined;
}

/** Command lines of this app's processes; by the folder of the program, so that no other Corral is taken for it. */
async function processesOfTheApp(): Promise<string[]> {
  const lines =
    process.platform === 'win32'
      ? await run('powershell', [
          '-NoProfile',
          '-Command',
          'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.ExecutablePath)" }',
        ])
      : await run('ps', ['-axww', '-o', 'pid=,command=']);
  return lines.stdout
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.replace(/^\d+\s+/, '').startsWith(appFolder));
}

/** The command, as somebody would type it; without a display where there could be one. */
async function corral(args: readonly string[]): Promise<string> {
  const { stdout } =
    process.platform === 'win32'
      ? await run('cmd.exe', ['/d', '/c', programs.command, ...args])
      : await run(programs.command, args, { env: { ...process.env, DISPLAY: '', WAYLAND_DISPLAY: '' } });
  return stdout.trim();
}

async function get(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return response.status === 200 ? await response.text() : undefined;
  } catch (problem) {
    // It does not listen yet.
    if (problem instanceof TypeError || (problem instanceof DOMException && problem.name === 'TimeoutError'))
      return undefined;
    throw problem;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (process.platform === 'win32') await run('taskkill', ['/PID', String(child.pid), '/T', '/F']);
  else child.kill('SIGTERM');
}

const failures: string[] = [];
function expectThat(isSo: boolean, what: string): void {
  console.log(`${isSo ? 'ok  ' : 'FAIL'} ${what}`);
  if (!isSo) failures.push(what);
}

const workFolder = await mkdtemp(path.join(tmpdir(), 'corral-smoke-'));
const configFile = path.join(workFolder, 'config.yaml');
const dataFolder = path.join(workFolder, 'data');
await writeFile(configFile, 'engine: { autoInstall: false }\n');
const address = `http://127.0.0.1:${await freePort()}`;
const args = ['--hidden', '--config', configFile, '--data-dir', dataFolder, '--port', new URL(address).port];
const child = spawn(programs.app, args, { stdio: ['ignore', 'inherit', 'inherit'] });
const life = { isGone: false };
const gone = new Promise<true>((resolve) => {
  const end = (): void => {
    life.isGone = true;
    resolve(true);
  };
  child.once('exit', end);
  child.once('error', (error) => {
    console.error(`${programs.app} could not be started: ${error.message}`);
    end();
  });
});

try {
  const health = await until(START_TIMEOUT_MS, async () => (life.isGone ? null : get(`${address}/health`)));
  const isWell = health !== undefined && health !== null;
  expectThat(isWell, `GET ${address}/health answers 200`);
  if (isWell) {
    const page = await get(`${address}/ui/`);
    expectThat(page?.includes('<script') === true, 'GET /ui/ gives the window');
    expectThat(/^\d+\.\d+\.\d+/.test(await corral(['--version'])), 'corral --version');
    const status = await corral(['status', '--json', '--data-dir', dataFolder]);
    expectThat(status.includes(new URL(address).port), 'corral status finds the running app');
  }
} catch (problem) {
  expectThat(false, problem instanceof Error ? problem.message : String(problem));
} finally {
  if (!life.isGone) await stop(child);
  expectThat(
    (await Promise.race([gone, wait(STOP_TIMEOUT_MS)])) === true,
    `it stops within ${STOP_TIMEOUT_MS / 1000} s`,
  );
  const left = await until(STOP_TIMEOUT_MS, async () => ((await processesOfTheApp()).length === 0 ? [] : undefined));
  expectThat(left !== undefined, 'no process is left');
  if (left === undefined) console.log((await processesOfTheApp()).join('\n'));
  await rm(workFolder, { recursive: true, force: true, maxRetries: 5 });
}

console.log(failures.length === 0 ? `${appFolder} works.` : `${appFolder}: ${failures.length} failed.`);
process.exit(failures.length === 0 ? 0 : 1);
