import { spawn, type ChildProcessByStdio, type SpawnOptionsWithStdioTuple } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../ports/clock.ts';
import { probeFailure } from './probe-failure.ts';
import { posixToolProcess } from './tool-process-posix.ts';
import { windowsToolProcess } from './tool-process-windows.ts';

/** A driver without persistence mode takes seconds to wake several GPUs; a tool that hangs takes for ever. */
const DEADLINE_MS = 5000;
/** Much more than any of the tools prints for eight GPUs (nvidia-smi's XML is the largest, some 300 KiB). */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

export interface ToolOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolRunner {
  /**
   * Runs the first of `candidates` (names on the PATH, or paths) that exists, without a shell, in the C locale. Undefined
   * if there is none. Resolves with any exit code. Throws `probe-failed` if the tool may not be run, is ended by a
   * signal, prints more than 4 MiB or does not end within the deadline, and the signal's reason; in the last three
   * cases it has been killed with all that it started, and has ended.
   */
  run(
    candidates: readonly string[],
    args: readonly string[],
    options: { readonly signal: AbortSignal; readonly deadlineMs?: number },
  ): Promise<ToolOutput | undefined>;
}

export interface ToolRunnerOptions {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly deadlineMs?: number;
}

export function createToolRunner(options: ToolRunnerOptions): ToolRunner {
  // Numbers and messages as the parsers know them; LANGUAGE would win over LC_ALL in messages.
  const env = { ...options.env, LC_ALL: 'C', LANG: 'C', LANGUAGE: '' };
  return {
    async run(candidates, args, { signal, deadlineMs = options.deadlineMs ?? DEADLINE_MS }) {
      for (const file of candidates) {
        signal.throwIfAborted();
        const output = await runOne({ ...options, env, file, args, signal, deadlineMs });
        if (output !== undefined) return output;
      }
      return undefined;
    },
  };
}

/** What was printed, if the tool ended well. Throws `probe-failed` with the tool's own words otherwise. */
export function stdoutOf(output: ToolOutput, command: string): string {
  if (output.exitCode === 0) return output.stdout;
  const said = output.stderr.trim() === '' ? output.stdout : output.stderr;
  throw probeFailure(`\`${command}\` failed with exit code ${output.exitCode}`, { said });
}

/** As `Promise.all`, but rejects only once all have ended: until then their tools may be running. */
export async function allEnded<T extends readonly Promise<unknown>[]>(
  runs: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(runs);
  return await Promise.all(runs);
}

interface Run extends ToolRunnerOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
}

function runOne({ platform, env, clock, file, args, signal, deadlineMs }: Run): Promise<ToolOutput | undefined> {
  const { isDetached, end } = platform === 'win32' ? windowsToolProcess : posixToolProcess;
  const command = `\`${[file, ...args].join(' ')}\``;
  return new Promise((resolve, reject) => {
    const onNotRun = (error: NodeJS.ErrnoException): void => {
      // ENOTDIR: an entry of the PATH, or a part of the path, is a file.
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') resolve(undefined);
      else reject(probeFailure(`${command} could not be run (${error.code ?? error.message})`, { cause: error }));
    };
    const child = spawnOrTell(
      file,
      args,
      { env, detached: isDetached, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true },
      onNotRun,
    );
    if (child === undefined) return;
    let failure: Error | undefined;
    /** The first reason holds; the promise settles when the tool has ended. */
    const stop = (reason: Error): void => {
      if (failure !== undefined) return;
      failure = reason;
      end(child);
      // Whoever else holds the pipes must not keep us waiting.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = clock.setTimer(deadlineMs, () =>
      stop(
        probeFailure(`${command} did not end within ${Math.round(deadlineMs / 100) / 10} s and was ended`, {
          advice: 'Run it in a terminal to see what it waits for; often it is the GPU driver.',
        }),
      ),
    );
    const onAbort = (): void => stop(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    };

    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let outputBytes = 0;
    const collect =
      (chunks: Buffer[]) =>
      (chunk: Buffer): void => {
        outputBytes += chunk.length;
        if (outputBytes > MAX_OUTPUT_BYTES) {
          stop(probeFailure(`${command} printed more than ${MAX_OUTPUT_BYTES / 1024 / 1024} MiB and was ended`));
        } else chunks.push(chunk);
      };
    child.stdout.on('data', collect(stdout));
    child.stderr.on('data', collect(stderr));

    child.on('error', (error: NodeJS.ErrnoException) => {
      release();
      if (failure === undefined) onNotRun(error);
      else reject(failure);
    });
    child.on('close', (exitCode, exitSignal) => {
      release();
      if (failure !== undefined) reject(failure);
      else if (exitCode === null) {
        reject(probeFailure(`${command} was ended by ${exitSignal ?? 'a signal'}`, { said: decode(stderr) }));
      } else resolve({ exitCode, stdout: decode(stdout), stderr: decode(stderr) });
    });
  });
}

type Spawned = ChildProcessByStdio<null, Readable, Readable>;

/** Node throws some of the reasons why a program cannot be started, and emits the others. */
function spawnOrTell(
  file: string,
  args: readonly string[],
  options: SpawnOptionsWithStdioTuple<'ignore', 'pipe', 'pipe'>,
  onNotRun: (error: NodeJS.ErrnoException) => void,
): Spawned | undefined {
  try {
    return spawn(file, args, options);
  } catch (thrown) {
    onNotRun(thrown as NodeJS.ErrnoException);
    return undefined;
  }
}

function decode(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
