import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `npm start`: builds and runs Corral. What follows `--` goes to `corral serve`. */
await import('./build.js');
console.log('Running headless: the desktop window is not part of this version yet.');

const cli = fileURLToPath(new URL('../out/cli.js', import.meta.url));
const child = spawn(process.execPath, [cli, 'serve', ...process.argv.slice(2)], { stdio: 'inherit' });
// Ctrl-C reaches the child by itself, and a second one would cut running answers short; other signals are handed on.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`corral: Node could not be started: ${error.message}`);
  process.exitCode = 1;
});
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
