import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findElectron, whyHeadless } from './find-desktop.js';

/**
 * `npm start`: builds and runs Corral, as the desktop app where there is a display and Electron's binary, else headless.
 * What follows `--` goes to the app or to `corral serve`; `--headless` or CORRAL_HEADLESS=1 asks for the latter.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2).filter((arg) => arg !== '--headless');

/** What Chromium dies of when it cannot start at all, such as without a sandbox it may use. */
const BROKEN_START_SIGNALS = ['SIGTRAP', 'SIGABRT', 'SIGSEGV', 'SIGILL', 'SIGBUS'];
const BROKEN_START_MS = 5000;

// Ctrl-C reaches the child by itself, and a second one would cut running answers short; other signals are handed on.
let child;
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child?.kill(signal));

/** Runs to the end; resolves with how it ended. */
function run(program, programArgs) {
  return new Promise((settle) => {
    child = spawn(program, programArgs, { cwd: root, stdio: 'inherit' });
    child.once('error', (error) => settle({ code: 1, signal: null, error }));
    child.once('exit', (code, signal) => settle({ code, signal, error: undefined }));
  });
}

/** Undefined once the desktop app has run, else why it could not. */
async function runDesktop() {
  const reason = whyHeadless({
    platform: process.platform,
    env: process.env,
    uid: process.getuid?.(),
    args: process.argv,
  });
  if (reason !== undefined) return reason;
  const found = await findElectron({ root, env: process.env, print: console.log });
  if ('reason' in found) return found.reason;
  const startedMs = performance.now();
  const { code, signal, error } = await run(found.binary, [root, ...args]);
  if (error !== undefined) return `Electron could not be started: ${error.message}.`;
  // A shell's way, and Electron's own, of telling a signal.
  const died = BROKEN_START_SIGNALS.find((name) => signal === name || code === 128 + constants.signals[name]);
  if (died !== undefined && performance.now() - startedMs < BROKEN_START_MS) return `Electron ended with ${died}.`;
  process.exitCode = code ?? 1;
  return undefined;
}

await import('./build.js');
const reason = await runDesktop();
if (reason !== undefined) {
  console.log(`Running headless: ${reason}`);
  const { code, error } = await run(process.execPath, ['out/cli.js', 'serve', ...args]);
  if (error !== undefined) console.error(`corral: Node could not be started: ${error.message}`);
  process.exitCode = code ?? 1;
}
