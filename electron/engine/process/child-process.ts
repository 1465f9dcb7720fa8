import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { LogLine } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { createLineIntake, type LineIntake } from './line-intake.ts';
import { signalGroup } from './terminate-posix.ts';
import { killTree } from './terminate-windows.ts';

/** How a process ended; data, not an error. */
export interface ExitRecord {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set if the process never ran: the system's error code, such as ENOENT or EACCES. */
  readonly spawnErrorCode: string | undefined;
  /** Who asked for it; undefined for an exit nobody asked for. */
  readonly askedBy: string | undefined;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly clock: Clock;
  readonly platform: NodeJS.Platform;
  onLine(stream: LogLine['stream'], text: string): void;
  /** Called on the line after the spawn, and once the whole group is gone. */
  onSpawned(pid: number): void;
  onGone(pid: number): void;
}

export interface Child {
  readonly pid: number | undefined;
  /** Settles once the process and what it forked into its group are gone; never rejects. */
  readonly exited: Promise<ExitRecord>;
  /**
   * Ends the process: `beforeSignal` (a stop command), the polite signal to its whole group, and after `graceMs` the one
   * that cannot be ignored. Resolves with the exit once `beforeSignal` is over, too; a second call joins the first, and
   * may only shorten its grace.
   */
  stop(options: {
    askedBy: string;
    graceMs: number;
    beforeSignal?: (() => Promise<void>) | undefined;
  }): Promise<ExitRecord>;
}

/** After its leader has gone, a group's output pipe may be held open by what it forked; it is not waited for longer. */
const OUTPUT_CLOSE_MS = 250;

/**
 * Rest after each piece of a flood. A pipe holds 64 KiB on Linux, so that a flood is read at 16 MB/s at most: more than
 * any child has to say, and little enough that tokens of other models are not held up and its buffers do not pile up
 * before they are collected.
 */
const FLOOD_REST_MS = 4;

/**
 * Starts one program from an argument list, never through a shell, and keeps its output flowing. On POSIX it leads a
 * process group of its own; on Windows it stays in the app's job, so that it cannot outlive it.
 */
export function startChild(options: ChildOptions): Child {
  const { clock, platform } = options;
  const isWindows = platform === 'win32';
  let askedBy: string | undefined;
  let stopping: Promise<ExitRecord> | undefined;
  let forceAt: ((graceMs: number) => void) | undefined;
  let hasExited = false;

  let child: ChildProcess;
  try {
    child = spawn(options.command, [...options.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !isWindows,
      windowsHide: true,
      env: { ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  } catch (thrown) {
    // Node emits `error` for a missing or forbidden program, and throws for the rest (ENOTDIR, E2BIG, ENOMEM, a NUL).
    return neverRan((thrown as NodeJS.ErrnoException).code ?? 'UNKNOWN');
  }
  const { pid } = child;
  if (pid !== undefined) options.onSpawned(pid);

  // Without descriptors left (EMFILE) there is a child without streams, whose `error` is still to come.
  const outputs: { readonly output: Readable; readonly intake: LineIntake }[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    const output = child[stream] as Readable | null | undefined;
    if (output === null || output === undefined) continue;
    const intake = createLineIntake(clock, (text) => options.onLine(stream, text));
    output.on('data', (chunk: Buffer) => {
      if (!intake.push(chunk)) return;
      output.pause();
      clock.setTimer(FLOOD_REST_MS, () => output.resume());
    });
    output.on('error', () => undefined); // A broken pipe means an exit, and that is reported as such.
    outputs.push({ output, intake });
  }

  const exited = new Promise<ExitRecord>((resolve) => {
    let isSettled = false;
    const finish = (exitCode: number | null, signal: NodeJS.Signals | null, spawnErrorCode?: string): void => {
      if (isSettled) return;
      isSettled = true;
      hasExited = true;
      // What the leader forked into its group goes with it.
      if (pid !== undefined && !isWindows) signalGroup(pid, 'SIGKILL');
      let isClosed = false;
      const settle = (): void => {
        if (isClosed) return;
        isClosed = true;
        timer.cancel();
        for (const { output, intake } of outputs) {
          intake.end();
          output.destroy();
        }
        if (pid !== undefined) options.onGone(pid);
        resolve({ exitCode, signal, spawnErrorCode, askedBy });
      };
      const timer = clock.setTimer(OUTPUT_CLOSE_MS, settle);
      child.once('close', settle);
      if (spawnErrorCode !== undefined) settle();
    };
    child.once('exit', (exitCode, signal) => finish(exitCode, signal));
    child.once('error', (error: NodeJS.ErrnoException) => {
      // `error` also reports signals that could not be delivered; only a child without a pid never ran.
      if (pid === undefined) finish(null, null, error.code ?? 'UNKNOWN');
    });
  });

  function signal(kind: 'polite' | 'forced'): void {
    if (pid === undefined || hasExited) return;
    if (isWindows) void killTree(pid, { isForced: kind === 'forced' });
    else signalGroup(pid, kind === 'forced' ? 'SIGKILL' : 'SIGTERM');
  }

  async function stopOnce(graceMs: number, beforeSignal: (() => Promise<void>) | undefined): Promise<ExitRecord> {
    const askedAtMs = clock.nowMs();
    let timer = clock.setTimer(graceMs, () => signal('forced'));
    let shortestMs = graceMs;
    forceAt = (otherGraceMs) => {
      if (otherGraceMs >= shortestMs) return;
      shortestMs = otherGraceMs;
      timer.cancel();
      timer = clock.setTimer(shortestMs - (clock.nowMs() - askedAtMs), () => signal('forced'));
    };
    try {
      const before = beforeSignal?.() ?? Promise.resolve();
      await Promise.race([before, exited]);
      signal('polite');
      const record = await exited;
      // A stop command is a process, too, and hears that what it was for has ended: the stop is not over before it is gone.
      await before;
      return record;
    } finally {
      timer.cancel();
    }
  }

  return {
    pid,
    exited,
    stop({ askedBy: by, graceMs, beforeSignal }) {
      if (stopping !== undefined) {
        forceAt?.(graceMs);
        return stopping;
      }
      // Its pid may be somebody else's by now; a stop command must not hear it.
      if (hasExited) return exited;
      askedBy = by;
      stopping = stopOnce(graceMs, beforeSignal);
      return stopping;
    },
  };
}

/** A child that the system would not even begin to start. */
function neverRan(spawnErrorCode: string): Child {
  const exit: ExitRecord = { exitCode: null, signal: null, spawnErrorCode, askedBy: undefined };
  return { pid: undefined, exited: Promise.resolve(exit), stop: () => Promise.resolve(exit) };
}

/** Runs a short program to its end (a stop command, a probe); its output goes to `onLine`. Rejects if it cannot be run. */
export async function runProgram(
  options: ChildOptions & { timeoutMs: number; purpose: string; signal: AbortSignal },
): Promise<ExitRecord> {
  const child = startChild(options);
  const onAbort = (): void => void child.stop({ askedBy: `what the ${options.purpose} was for has ended`, graceMs: 0 });
  if (options.signal.aborted) onAbort();
  options.signal.addEventListener('abort', onAbort, { once: true });
  const timer = options.clock.setTimer(options.timeoutMs, () => {
    void child.stop({ askedBy: `the ${options.purpose}'s time limit`, graceMs: 1000 });
  });
  try {
    const exit = await child.exited;
    if (exit.spawnErrorCode !== undefined) {
      throw new AppError(
        'start-failed',
        `The ${options.purpose} \`${options.command}\` cannot be run (${exit.spawnErrorCode}).`,
      );
    }
    return exit;
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    timer.cancel();
  }
}
