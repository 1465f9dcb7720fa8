import { resolve } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { dataFolder } from '../../engine/config/config-folders.ts';
import { processFolders } from '../../engine/config/process-folders.ts';
import type { CommandLineContext, SeedAction, StepTools } from '../../engine/dialects/command-line.ts';
import { seedCommandLines } from '../../engine/dialects/command-lines.ts';
import type { ServeOptions } from '../../headless.ts';
import type { Terminal } from '../terminal.ts';

export interface ServeAsSurroundings {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly workFolder: string;
  readonly version: string;
  /** Runs Corral until it is asked to end; returns the exit code. */
  serve(options: Omit<ServeOptions, 'version' | 'print' | 'printLog' | 'windowFolder'>): Promise<number>;
}

/** What may stand between `corral as` and the program's name. */
export interface ServeAsOptions {
  readonly dataDir: string | undefined;
  readonly nativePort: number | undefined;
}

/** The programs that `corral as` can stand in for. */
export function knownSeeds(): readonly string[] {
  return seedCommandLines.map(({ seed }) => seed);
}

/**
 * `corral as <program> …`: takes that program's own flags, with its own defaults and its own first run. Returns the exit
 * code. Throws `invalid-request` for a program it does not know.
 */
export async function serveAs(
  seed: string,
  args: readonly string[],
  { dataDir, nativePort }: ServeAsOptions,
  surroundings: ServeAsSurroundings,
): Promise<number> {
  const { terminal, signal, workFolder, version } = surroundings;
  const commandLine = seedCommandLines.find((each) => each.seed === seed);
  if (commandLine === undefined) {
    throw new AppError('invalid-request', `Corral cannot stand in for "${seed}"; it knows ${knownSeeds().join(', ')}.`);
  }
  const folders = processFolders();
  const { env, homeFolder, platform } = folders;
  const context: CommandLineContext = { env, homeFolder, platform, workFolder };
  const tools: StepTools = {
    ...context,
    dataFolder: resolve(workFolder, dataDir ?? dataFolder(folders)),
    version,
    signal,
    print: (line) => terminal.write(`${line}\n`),
    printError: (line) => terminal.writeError(`${line}\n`),
  };
  const action: SeedAction = commandLine.parse(args, context);
  switch (action.kind) {
    case 'exit':
      if (action.stdout !== undefined) terminal.write(action.stdout);
      if (action.stderr !== undefined) terminal.writeError(action.stderr);
      return action.exitCode;
    case 'step':
      return await action.run(tools);
    case 'serve': {
      await action.prepare?.(tools);
      const { configFile, format, host, port } = action;
      return await surroundings.serve({ configFile, format, host, port, nativePort, dataDir });
    }
  }
}
