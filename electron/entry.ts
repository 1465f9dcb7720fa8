import { readCliInvocation } from './shell/cli-invocation.ts';

/**
 * What the packaged program starts with: the desktop app, or the `corral` command if a shim asked for it. It loads
 * nothing of the one that is not wanted. Electron waits for this module before it looks for a display, so the command
 * works where there is none (docs/adr/0008-cli-in-the-package.md).
 */
const commandLine = readCliInvocation(process);
if (commandLine !== null) process.argv = [process.execPath, 'corral', ...commandLine];

// Programs of their own beside this file, not modules that the bundler should pull in.
const program = commandLine === null ? './main.js' : './cli.js';
await import(new URL(program, import.meta.url).href);
