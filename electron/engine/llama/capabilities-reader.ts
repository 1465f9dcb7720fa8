import { execFile } from 'node:child_process';
import { open, stat } from 'node:fs/promises';
import { orAborted } from '#shared/lib/or-aborted.ts';
import { AppError } from '#shared/contract/errors.ts';
import { parseHelp, type LlamaCapabilities } from './capabilities.ts';
import { diagnoseExit } from './diagnose-exit.ts';

/** Some GPU backends take seconds to initialise even for `--help`. */
const DEADLINE_MS = 10_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const TAIL_LINES = 20;

export interface CapabilitiesReader {
  /**
   * What the build at `executable` (an absolute path) understands. Runs it twice, with `--help` and `--version`, unless
   * that very file (path, size and time of change) was read before; callers at the same time share one reading, which
   * is ended when the last of them has aborted.
   * Throws `engine-missing` if there is no such file, `start-failed` if it does not run, does not end within ten seconds
   * or is no llama-server, and the signal's reason.
   */
  readCapabilities(executable: string, signal: AbortSignal): Promise<LlamaCapabilities>;
  /** What was read before, without looking at the file again; undefined if nothing was. */
  known(executable: string): LlamaCapabilities | undefined;
}

interface Reading {
  readonly key: string;
  readonly result: Promise<LlamaCapabilities>;
  readonly controller: AbortController;
  waiting: number;
  isDone: boolean;
  capabilities: LlamaCapabilities | undefined;
}

export function createCapabilitiesReader(options: { readonly deadlineMs?: number } = {}): CapabilitiesReader {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const readings = new Map<string, Reading>();

  function startReading(executable: string, key: string): Reading {
    const controller = new AbortController();
    const reading: Reading = {
      key,
      controller,
      result: readBuild(executable, deadlineMs, controller.signal),
      waiting: 0,
      isDone: false,
      capabilities: undefined,
    };
    reading.result.then(
      (capabilities) => {
        reading.isDone = true;
        reading.capabilities = capabilities;
      },
      () => forget(executable, reading), // A failure may be mended without a change of the file: a library, a driver.
    );
    readings.set(executable, reading);
    return reading;
  }

  function forget(executable: string, reading: Reading): void {
    if (readings.get(executable) === reading) readings.delete(executable);
  }

  return {
    known: (executable) => readings.get(executable)?.capabilities,
    async readCapabilities(executable, signal) {
      signal.throwIfAborted();
      const key = await identify(executable);
      signal.throwIfAborted();
      const known = readings.get(executable);
      const reading = known?.key === key ? known : startReading(executable, key);
      reading.waiting += 1;
      try {
        return await orAborted(reading.result, signal);
      } finally {
        reading.waiting -= 1;
        if (reading.waiting === 0 && !reading.isDone) {
          forget(executable, reading);
          reading.controller.abort();
        }
      }
    },
  };
}

async function identify(executable: string): Promise<string> {
  try {
    const { size, mtimeMs } = await stat(executable);
    return `${size} ${mtimeMs}`;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new AppError(
      'engine-missing',
      `There is no llama-server at ${executable} (${code}). Set \`engine.path\` to one, or to auto.`,
      { cause, details: { executable } },
    );
  }
}

async function readBuild(executable: string, deadlineMs: number, signal: AbortSignal): Promise<LlamaCapabilities> {
  const siblings = new AbortController();
  const either = AbortSignal.any([signal, siblings.signal]);
  const runs = [
    run(executable, '--help', deadlineMs, either),
    run(executable, '--version', deadlineMs, either),
  ] as const;
  try {
    const [help, version] = await Promise.all(runs);
    // The help goes to stdout; the version goes to stderr, in some builds after lines about the GPU.
    const capabilities = parseHelp(help.stdout, `${version.stdout}\n${version.stderr}`);
    if (capabilities.flags.has('--model') && capabilities.flags.has('--port')) return capabilities;
    throw new AppError(
      'start-failed',
      `${executable} is not a llama-server: its --help lists no --model and --port. Set \`engine.path\` to llama-server itself.`,
      { details: { executable } },
    );
  } finally {
    siblings.abort();
    await Promise.allSettled(runs);
  }
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

function run(executable: string, flag: string, deadlineMs: number, signal: AbortSignal): Promise<Output> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: deadlineMs,
      maxBuffer: MAX_OUTPUT_BYTES,
      killSignal: 'SIGKILL',
      windowsHide: true,
      signal,
    } as const;
    execFile(executable, [flag], options, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else if (signal.aborted) reject(signal.reason as Error);
      else {
        explainFailure(executable, flag, deadlineMs, error, stderr).then(
          (failure) => reject(failure),
          (cause: unknown) => reject(cause as Error),
        );
      }
    });
  });
}

async function explainFailure(
  executable: string,
  flag: string,
  deadlineMs: number,
  error: Error & { code?: string | number | null; signal?: NodeJS.Signals | null; killed?: boolean },
  stderr: string,
): Promise<AppError> {
  const command = `\`${executable} ${flag}\``;
  const fail = (message: string): AppError =>
    new AppError('start-failed', message, { cause: error, details: { executable, log: tailOf(stderr) } });
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return fail(`${command} printed more than 1 MiB. Set \`engine.path\` to llama-server itself.`);
  }
  if (error.killed === true) {
    return fail(
      `${command} did not end within ${Math.round(deadlineMs / 1000)} s. Run it in a terminal to see what it waits for ` +
        '(often a GPU driver), or set `engine.path` to another build.',
    );
  }
  // Where the kernel refuses a file, the C library hands it to sh, which stumbles over its bytes.
  const isHandedToShell = typeof error.code === 'number' && (await isForeignBinary(executable, stderr));
  const diagnosis = diagnoseExit({
    exitCode: typeof error.code === 'number' ? error.code : null,
    signal: error.signal ?? null,
    spawnErrorCode: isHandedToShell ? 'ENOEXEC' : typeof error.code === 'string' ? error.code : undefined,
    logTail: tailOf(stderr),
  });
  return fail(`${command} failed: ${diagnosis.summary} ${diagnosis.advice}`);
}

function tailOf(text: string): string[] {
  return text.trimEnd().split(/\r?\n/).slice(-TAIL_LINES);
}

/** ELF, Mach-O (also fat) and PE files that a shell complained about. */
async function isForeignBinary(executable: string, stderr: string): Promise<boolean> {
  if (!/syntax error|not found|cannot execute|unexpected/i.test(stderr)) return false;
  const file = await open(executable);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const magic = buffer.subarray(0, bytesRead).toString('hex');
    const isBinary = /^(7f454c46|cffaedfe|cefaedfe|cafebabe|4d5a)/.test(magic);
    return isBinary && !/error while loading shared libraries|version `/.test(stderr);
  } finally {
    await file.close();
  }
}
