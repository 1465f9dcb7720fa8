#!/usr/bin/env node
import { createProcessTerminal } from './process-terminal.ts';
import { runCli } from './program.ts';
import { corralVersion } from './version.ts';

/** Composition root of the `corral` command. */
const terminal = createProcessTerminal(process);
const exitCode = await runCli({
  args: process.argv.slice(2),
  version: corralVersion,
  terminal,
  processEvents: process,
  wallMs: () => Date.now(),
});
await terminal.flush();
// Idle keep-alive connections and the like must not hold back a command that is done.
process.exit(exitCode);
