import { toAppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { runProgram, type Child, type ChildOptions } from '../process/child-process.ts';
import { fillCommand, type Launch } from './launch.ts';

const STOP_COMMAND_TIMEOUT_MS = 10_000;

/** Runs a model's `stopCommand`, if it has one, before its process is told to end. What it fails of goes to `note`. */
export function stopCommandOf(
  launch: Launch,
  running: Child,
  options: Pick<ChildOptions, 'platform' | 'onLine' | 'onSpawned' | 'onGone'> & {
    readonly clock: Clock;
    note(text: string): void;
  },
): (() => Promise<void>) | undefined {
  const { stopCommand, placeholderValues, env, cwd } = launch;
  if (stopCommand === undefined) return undefined;
  const { note, ...child } = options;
  return async () => {
    const gone = new AbortController();
    void running.exited.then(() => gone.abort());
    const [command, ...args] = fillCommand(stopCommand, { ...placeholderValues, PID: String(running.pid ?? '') });
    try {
      await runProgram({
        ...child,
        command,
        args,
        env,
        cwd,
        signal: gone.signal,
        timeoutMs: STOP_COMMAND_TIMEOUT_MS,
        purpose: 'stop command',
      });
    } catch (thrown) {
      note(`[corral] ${toAppError(thrown).message} The process is told to end all the same.`);
    }
  };
}
