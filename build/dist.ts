import './build.js';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { distArguments } from './dist-arguments.ts';

/**
 * `npm run dist`: builds, then makes the installers for this system in release/. What follows `--` goes to
 * electron-builder: `npm run dist -- --linux deb --arm64`.
 */
const require = createRequire(import.meta.url);
const manifest = require.resolve('electron-builder/package.json');
const builder = path.join(path.dirname(manifest), 'out', 'cli', 'cli.js');
const child = spawn(process.execPath, [builder, ...distArguments(process.env, process.argv.slice(2))], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
});
child.once('error', (error) => {
  console.error(`corral: electron-builder could not be started: ${error.message}`);
  process.exitCode = 1;
});
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
