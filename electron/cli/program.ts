import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Bridge } from '#shared/contract/bridge.ts';
import type { EjectMode } from '#shared/contract/commands.ts';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import { foreignFormatNames } from '../engine/dialects/dialect-names.ts';
import type { ConfigFormat } from '../engine/config/interpret-config.ts';
import { connect } from './connect.ts';
import { interruptedExitCode, onEndSignals, type ProcessEvents } from './process-events.ts';
import { reportError } from './report-error.ts';
import type { Terminal, VerbContext } from './terminal.ts';
import { checkConfig, showConfigPath } from './verbs/config.ts';
import { importConfigFile } from './verbs/config-import.ts';
import { deleteModel } from './verbs/delete.ts';
import { ejectModels } from './verbs/eject.ts';
import { showAllModels, showLoadedModels } from './verbs/list-models.ts';
import { loadModel } from './verbs/load.ts';
import { MAX_LOG_LINES, showLogs } from './verbs/logs.ts';
import { switchModel } from './verbs/model-switches.ts';
import { setGameMode } from './verbs/game-mode.ts';
import { importModels } from './verbs/import-models.ts';
import { showPlan } from './verbs/plan.ts';
import { pullModel } from './verbs/pull.ts';
import { cancelRequest, followQueue, showQueue } from './verbs/queue.ts';
import { serve } from './verbs/serve.ts';
import { knownSeeds, serveAs } from './verbs/serve-as.ts';
import { showStatus } from './verbs/status.ts';
import { waitWithoutDeadline } from './wait-without-deadline.ts';

export interface CliOptions {
  /** What follows the name of the program. */
  readonly args: readonly string[];
  readonly version: string;
  readonly terminal: Terminal;
  readonly processEvents: ProcessEvents;
  wallMs(): number;
}

const USAGE_EXIT_CODE = 2;

/** Enough to see what happened last, without flooding the window. */
const DEFAULT_LOG_LINES = 200;

interface CommonOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

/**
 * Runs one `corral …` command line. Returns the exit code: 0, 1 (failed), 2 (wrong usage), or 128 and the signal's number
 * if it was interrupted. Never throws; what failed is on standard error.
 */
export async function runCli(options: CliOptions): Promise<number> {
  let exitCode = 0;
  const program = createProgram(options, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(options.args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    // Commander has printed it; help and version are no errors.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    reportError(options.terminal, toAppError(thrown), false);
    return 1;
  }
}

function createProgram(options: CliOptions, setExitCode: (exitCode: number) => void): Command {
  const { terminal, processEvents, version } = options;

  const program = new Command('corral')
    .description('Herds llama.cpp model servers behind one OpenAI-compatible address on localhost.')
    .version(version)
    // So that the flags of a program that Corral stands in for are left alone.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeError(text),
      outputError: (text, write) => write(`corral: ${text.replace(/^error: /, '')}`),
    });

  /** Runs a verb that a person may interrupt, and says how it failed. */
  async function run(json: boolean | undefined, verb: (context: VerbContext) => Promise<number>): Promise<void> {
    const isJson = json === true;
    const abort = new AbortController();
    /** Set where the verb was ended from outside, so that its failing is no news. */
    const outside: { exitCode?: number } = {};
    const unlisten = onEndSignals(processEvents, (signal) => {
      outside.exitCode = interruptedExitCode(signal);
      abort.abort(new AppError('cancelled', `Interrupted by ${signal}.`));
    });
    terminal.onOutputLost((problem) => {
      if (problem === undefined) outside.exitCode = 0;
      abort.abort(new AppError('internal', `The output cannot be written: ${problem?.message ?? 'nobody reads it'}.`));
    });
    try {
      setExitCode(await verb({ terminal, isJson, signal: abort.signal, wallMs: options.wallMs }));
    } catch (thrown) {
      if (outside.exitCode === undefined) reportError(terminal, toAppError(thrown), isJson);
      setExitCode(outside.exitCode ?? 1);
    } finally {
      unlisten();
    }
  }

  async function serveNow(how: Omit<Parameters<typeof serve>[0], 'version'>): Promise<number> {
    const { startHeadless } = await import('../headless.ts');
    return await serve({ ...how, version }, { terminal, processEvents, start: startHeadless });
  }

  /** Runs a verb that talks to the running Corral. */
  async function talk(
    { dataDir, json }: CommonOptions,
    verb: (bridge: Bridge, context: VerbContext) => Promise<void>,
  ): Promise<void> {
    await run(json, async (context) => {
      const bridge = await connect(dataDir);
      try {
        await verb(bridge, context);
        return 0;
      } finally {
        bridge.close();
      }
    });
  }

  function addVerb(parent: Command, usage: string, description: string): Command {
    return parent
      .command(usage)
      .description(description)
      .option('--data-dir <folder>', 'data folder of the Corral that is meant (default: your own)')
      .option('--json', 'print JSON, for programs');
  }

  program
    .command('serve')
    .description('Run Corral without a window.')
    .option('--config <file>', 'configuration file')
    .option('--host <host>', 'address to listen on')
    .option('--port <port>', 'port to listen on; 0 picks a free one', parseIntegerUpTo(65_535))
    .option('--data-dir <folder>', 'folder for downloads, logs and the record of the running instance')
    .option(
      '--native-port <port>',
      "port of Corral's own address where the file is another program's; a free one if not said",
      parseIntegerUpTo(65_535),
    )
    .addOption(formatOption())
    .action(async ({ config, host, port, nativePort, dataDir, format }: ServeFlags) => {
      setExitCode(await serveNow({ configFile: config, host, port, nativePort, dataDir, format }));
    });

  program
    .command('as')
    .description('Run as another program would, with its own flags: `corral as llama-swap --config config.yaml`.')
    .argument('<program>', knownSeeds().join(', '))
    .argument('[flags...]', "the program's own")
    .option('--data-dir <folder>', "Corral's data folder; before the program's name")
    .option('--native-port <port>', "port of Corral's own address; before the program's name", parseIntegerUpTo(65_535))
    .passThroughOptions()
    .action((seed: string, flags: string[], { dataDir, nativePort }: { dataDir?: string; nativePort?: number }) =>
      run(false, ({ signal }) =>
        serveAs(
          seed,
          flags,
          { dataDir, nativePort },
          { terminal, signal, version, workFolder: process.cwd(), serve: serveNow },
        ),
      ),
    );

  addVerb(program, 'status', 'Show address, configuration, llama-server and counts.').action((common: CommonOptions) =>
    talk(common, showStatus),
  );
  addVerb(program, 'ps', 'List the models that are loaded.').action((common: CommonOptions) =>
    talk(common, showLoadedModels),
  );
  addVerb(program, 'models', 'List all models.').action((common: CommonOptions) => talk(common, showAllModels));

  addVerb(program, 'load', 'Load a model and wait until it is ready.')
    .argument('<model>', 'id or alias')
    .action((name: string, common: CommonOptions) =>
      talk(common, async (bridge, context) => {
        await waitWithoutDeadline();
        await loadModel(bridge, context, name);
      }),
    );

  addVerb(program, 'eject', 'Unload a model, or all, and wait until the memory is free.')
    .argument('[model]', 'id or alias')
    .option('--all', 'eject every loaded model')
    .addOption(new Option('--when-idle', 'once no request runs (the default)').conflicts(['afterQueue', 'now']))
    .addOption(new Option('--after-queue', 'once what waits now has been served').conflicts(['whenIdle', 'now']))
    .addOption(new Option('--now', 'at once; running requests fail').conflicts(['whenIdle', 'afterQueue']))
    .action((name: string | undefined, flags: CommonOptions & EjectFlags, command: Command) => {
      if ((name === undefined) !== (flags.all === true)) command.error('error: name one model, or say --all');
      return talk(flags, async (bridge, context) => {
        await waitWithoutDeadline();
        await ejectModels(bridge, context, { name, mode: ejectMode(flags) });
      });
    });

  addVerb(program, 'queue', 'List the requests that wait.')
    .option('-f, --follow', 'show it again whenever it changes, until interrupted')
    .action((flags: CommonOptions & { follow?: boolean }) =>
      talk(flags, flags.follow === true ? followQueue : showQueue),
    );
  addVerb(program, 'cancel', 'Cancel a request that waits.')
    .argument('<request>', 'its ID in `corral queue`')
    .action((id: string, common: CommonOptions) =>
      talk(common, (bridge, context) => cancelRequest(bridge, context, id)),
    );

  addVerb(program, 'plan', 'Show what loading a model would take, and what it would eject.')
    .argument('<model>', 'id or alias')
    .action((name: string, common: CommonOptions) =>
      talk(common, (bridge, context) => showPlan(bridge, context, name)),
    );
  addVerb(program, 'game-mode', 'Unload everything, and load nothing until it is switched off.')
    .addArgument(new Argument('<state>', 'on or off').choices(['on', 'off']))
    .action((state: string, common: CommonOptions) =>
      talk(common, (bridge, context) => setGameMode(bridge, context, state === 'on')),
    );

  const switches = [
    ['reset', 'reset-model', 'Forget past failures of a model, so that it may be started again.'],
    ['pin', 'pin-model', 'Keep a model from being ejected to make room or for being idle.'],
    ['unpin', 'unpin-model', 'Let a pinned model be ejected again.'],
  ] as const;
  for (const [verb, command, description] of switches) {
    addVerb(program, verb, description)
      .argument('<model>', 'id or alias')
      .action((name: string, common: CommonOptions) =>
        talk(common, (bridge, context) => switchModel(bridge, context, { command, name })),
      );
  }

  addVerb(program, 'logs', "Show a model's log, or Corral's own.")
    .argument('[model]', 'id or alias')
    .option('-f, --follow', 'go on with each new line, until interrupted')
    .option(
      '-n, --lines <count>',
      `how many lines, at most ${MAX_LOG_LINES}`,
      parseIntegerUpTo(MAX_LOG_LINES),
      DEFAULT_LOG_LINES,
    )
    .action((name: string | undefined, flags: CommonOptions & { follow?: boolean; lines: number }) =>
      talk(flags, (bridge, context) =>
        showLogs(bridge, context, { name, lineCount: flags.lines, isFollowing: flags.follow === true }),
      ),
    );

  addVerb(program, 'pull', 'Download a model from Hugging Face.')
    .argument('<source>', 'user/repo, user/repo:QUANT or user/repo/file.gguf')
    .option('--file <name>', 'a file within the repository')
    .action((source: string, flags: CommonOptions & { file?: string }) =>
      talk(flags, (bridge, context) => pullModel(bridge, context, { source, file: flags.file })),
    );
  addVerb(program, 'delete', 'Delete the files of a model that Corral downloaded.')
    .argument('<model>', 'id or alias')
    .action((name: string, common: CommonOptions) =>
      talk(common, async (bridge, context) => {
        await waitWithoutDeadline();
        await deleteModel(bridge, context, name);
      }),
    );
  addVerb(program, 'import', 'Add a model file, or all models of a folder, to the configuration.')
    .argument('<path>', 'a .gguf file or a folder')
    .action((target: string, { json, dataDir }: CommonOptions) =>
      run(json, async (context) => {
        await importModels(context, { target, dataDir });
        return 0;
      }),
    );

  const config = program.command('config').description('Look at the configuration.');
  addVerb(config, 'check', 'Say everything that is wrong with a configuration.')
    .argument('[file]', 'the file; without it, the one in use')
    .addOption(formatOption())
    .action((file: string | undefined, { json, dataDir, format }: CommonOptions & { format?: ConfigFormat }) =>
      run(json, async (context) => ((await checkConfig(context, { file, dataDir, format })) ? 0 : 1)),
    );
  config
    .command('import')
    .description("Write another program's configuration as Corral's own, and say what became of each key.")
    .argument('<file>', 'the file')
    .addOption(formatOption())
    .option('-o, --output <file>', 'where to; without it, standard output')
    .option('--force', 'replace the output if it is there')
    .option('--json', 'print JSON, for programs')
    .action((file: string, { json, format, output, force }: ImportFlags) =>
      run(json, async (context) =>
        (await importConfigFile(context, { file, format, output, isForced: force === true })) ? 0 : 1,
      ),
    );
  addVerb(config, 'path', 'Print the path of the configuration in use.').action(({ json, dataDir }: CommonOptions) =>
    run(json, async (context) => {
      await showConfigPath(context, dataDir);
      return 0;
    }),
  );

  return program;
}

interface ServeFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly nativePort?: number;
  readonly dataDir?: string;
  readonly format?: ConfigFormat;
}

interface ImportFlags {
  readonly json?: boolean;
  readonly format?: ConfigFormat;
  readonly output?: string;
  readonly force?: boolean;
}

function formatOption(): Option {
  return new Option('--format <format>', 'whose configuration it is; told by its content if not said').choices([
    'native',
    ...foreignFormatNames,
  ]);
}

interface EjectFlags {
  readonly all?: boolean;
  readonly afterQueue?: boolean;
  readonly now?: boolean;
}

function ejectMode({ afterQueue, now }: EjectFlags): EjectMode {
  if (now === true) return 'now';
  return afterQueue === true ? 'after-queue' : 'when-idle';
}

function parseIntegerUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= most)) throw new InvalidArgumentError(`It must be a whole number from 0 to ${most}.`);
    return value;
  };
}
