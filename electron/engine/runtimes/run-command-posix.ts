import { spawn } from 'node:child_process';

export interface RunCommandOptions {
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Much more than any of the commands prints; what is over it is dropped at the front. */
const outputLimitChars = 1_000_000;
/** How much of an error message's end is shown. */
const tailChars = 800;
const killGraceMs = 2000;

/** A command that could not be started, or did not end with exit code 0. The message ends with what it printed last. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/**
 * Runs a program to its end in a process group of its own, without a shell and without input. Throws a CommandError if
 * it fails. When the signal aborts the whole group gets SIGTERM, and SIGKILL after two seconds; the promise rejects with
 * the signal's reason once the program has ended.
 */
export function runCommand(file: string, args: readonly string[], options: RunCommandOptions): Promise<CommandOutput> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      signalGroup(child.pid, 'SIGTERM');
      killTimer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), killGraceMs);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(killTimer);
    };

    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout = (stdout + chunk).slice(-outputLimitChars);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-outputLimitChars);
    });
    child.on('error', (error) => {
      release();
      reject(new CommandError(`\`${file}\` could not be started: ${error.message}`, { cause: error }));
    });
    child.on('close', (exitCode, exitSignal) => {
      release();
      if (signal.aborted) {
        reject(signal.reason as Error);
      } else if (exitCode === 0) {
        resolve({ stdout, stderr });
      } else {
        const ending = exitSignal === null ? `exit code ${String(exitCode)}` : `signal ${exitSignal}`;
        const tail = (stderr.trim() === '' ? stdout : stderr).trim().slice(-tailChars);
        reject(new CommandError(`\`${describeCommand(file, args)}\` ended with ${ending}: ${tail}`));
      }
    });
  });
}

/** The program and its subcommand; the many options say nothing to a reader. */
function describeCommand(file: string, args: readonly string[]): string {
  const [first] = args;
  return first === undefined ? file : `${file} ${first}`;
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the group has ended by itself between the decision and the call.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
