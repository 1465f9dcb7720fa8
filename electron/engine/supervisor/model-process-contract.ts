import type { LogLine } from '#shared/contract/commands.ts';
import type { AppError } from '#shared/contract/errors.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import type { LogFact } from '../llama/log-lines.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { ExitRecord } from '../process/child-process.ts';
import type { Endpoint } from './endpoint.ts';
import type { LaunchDependencies, StartOptions } from './launch.ts';

/** What one model's process is like now. A new object at each change. */
export interface ModelProcessView {
  readonly state: ModelState;
  readonly detail: string | null;
  readonly loadProgress: number | null;
  readonly pid: number | null;
  readonly endpoint: Endpoint | null;
  /** Rises with each process; an answer can be told to be of this one. */
  readonly generation: number;
  readonly commandLine: readonly string[] | null;
  /** Requests the server takes at once; null until that is known. */
  readonly slots: number | null;
  readonly contextSize: number | null;
  readonly stateSinceWallMs: number;
  readonly lastLoadMs: number | null;
  readonly problem: AppError | null;
  readonly lastExit: (ExitRecord & { readonly atWallMs: number }) | null;
  /** Monotonic; a start before it would come too soon after a failure. */
  readonly nextStartAtMs: number;
  readonly warnings: readonly string[];
}

export interface ModelProcessDependencies extends Omit<LaunchDependencies, 'onDetail'> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly connectTimeoutMs: number;
  /** Keeps a line of this model's log and returns nothing; must be fast. */
  appendLog(stream: LogLine['stream'], text: string): void;
  readLogTail(lines: number): string[];
  /** A process exists; what it says from now on is its own. */
  onLaunched?(modelId: string): void;
  /** A line of a process that loads says something that is understood. */
  onLogFact?(modelId: string, fact: LogFact): void;
  /** The nets that catch children when the app dies. */
  onSpawned(pid: number): void;
  onGone(pid: number): void;
  /** Called after every change of the view. */
  onChange(): void;
  /** Called when a start came to nothing. */
  onStartFailed(error: AppError): void;
}

export interface ModelProcess {
  view(): ModelProcessView;
  /** Begins a start; the outcome is told by `onChange` and `onStartFailed`. Only in `off` and `crashed`. */
  start(options?: StartOptions): void;
  /** Ends a start that has not spawned anything yet; false if it is too late for that. */
  abandonStart(askedBy: string): boolean;
  /** From `ready` to `draining` and back. */
  drain(): void;
  cancelDrain(): void;
  /** Ends the process, whatever it is doing; resolves once it is gone, at most the grace period later. */
  stop(askedBy: string, options?: { graceMs?: number }): Promise<ExitRecord | undefined>;
  /** `failed` or `crashed` becomes `off` and past failures are forgotten. */
  reset(): void;
  /** What the next start is made with. A process that runs goes on as it is. */
  configure(next: ModelConfig): void;
}
