import type { EjectMode, EjectOutcome } from '#shared/contract/commands.ts';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { DeviceBytes } from '../memory/device-facts.ts';
import type { Lease } from './lease.ts';
import type { LoadPlan } from './load-plan.ts';
import type { MemoryKeeper } from '../ports/memory-keeper.ts';
import type { RoomPolicy } from './room.ts';
import type { WaitStatus } from './wait-forecast.ts';

export interface AcquireOptions {
  readonly modelId: string;
  /** The set it is asked for by; undefined if by its own name. */
  readonly setName?: string | undefined;
  readonly lane: string;
  /** Added to the model's own priority. */
  readonly priority: number;
  /** The client went away, or no longer wants it. */
  readonly signal: AbortSignal;
  /** It entered the queue under this id; not called where it is refused before. */
  onQueued?(requestId: string): void;
}

export interface Scheduler {
  /** The common case, at once: the model is ready and has a free slot, and nobody waits. Undefined where that is not so. */
  acquireNow(modelId: string, lane: string, setName?: string): Lease | undefined;
  /**
   * Waits until the model is ready and has a free slot, starting it and making room for it as needed. Rejects with
   * `queue-full`, `queue-timeout`, `no-room`, `start-failed`, `model-failed`, `engine-missing`, `cancelled`, `ejected` or
   * `shutting-down`, or with the signal's reason.
   */
  acquire(options: AcquireOptions): Promise<Lease>;
  /** Resolves once the model is ready; cancels an eject that was still waiting. */
  load(modelId: string, signal: AbortSignal, setName?: string): Promise<void>;
  /** Resolves once the process is gone. */
  eject(modelId: string, mode: EjectMode, signal: AbortSignal): Promise<EjectOutcome>;
  setPinned(modelId: string, isPinned: boolean): void;
  /**
   * How long a loaded model stays once it is idle, in place of its configured time, until its process ends: infinite for good,
   * 0 not at all. A pinned model stays. Without effect on one that is not loaded.
   */
  keepAlive(modelId: string, keepAliveMs: number): void;
  /** Forgets the failures of a model that was given up. */
  reset(modelId: string): void;
  /** Takes a waiting request out of the queue; false if there is none of that id. */
  cancel(requestId: string): boolean;
  counts(modelId: string): ModelCounts;
  /** What loading a model would take and do, once `memory.prepare` has run; it is what a load would be decided by. */
  plan(modelId: string): LoadPlan;
  /** What models hold, or have not been seen to give back; those that hold nothing are left out. */
  reserved(): ReadonlyMap<string, DeviceBytes>;
  /** Unloads everything and loads nothing until it is switched off. */
  setGameMode(isOn: boolean): void;
  isGameMode(): boolean;
  queue(): QueueEntryView[];
  /** How it stands with a request that waits; undefined if none of that id does. */
  waitStatus(requestId: string): WaitStatus | undefined;
  /**
   * Takes over other settings; the supervisor has them already. Models in `replaced` get a new process: running requests
   * finish on the old one. Models that are gone serve what runs, refuse what waits, and are forgotten.
   */
  configure(settings: SchedulerSettings, replaced: readonly string[]): void;
  /** Refuses new work, lets running requests go on for `graceMs`, aborts what is left. */
  close(graceMs: number): Promise<void>;
}

export interface ModelCounts {
  readonly activeRequests: number;
  readonly waitingRequests: number;
  readonly concurrency: number | null;
  readonly isPinned: boolean;
  /** The set it was last asked for by; undefined if by its own name. */
  readonly setName: string | undefined;
  readonly lastUsedWallMs: number | null;
  readonly reserved: DeviceBytes;
  /** Idle time before it is unloaded, as it holds now; 0 means never. */
  readonly ttlMs: number;
}

/** What a change of the configuration may change. */
export interface SchedulerSettings {
  readonly models: ReadonlyMap<string, ModelConfig>;
  readonly room: RoomPolicy;
  readonly fairnessBoundMs: number;
  readonly maxQueued: number;
  /** How many requests of a lane may run at once. */
  readonly laneLimits: ReadonlyMap<string, number>;
  /** What game mode does with requests that come meanwhile. */
  readonly gameModeRequests: 'hold' | 'refuse';
  /** Models that are loaded together, and therefore idle together. */
  readonly togetherSets: readonly (readonly string[])[];
  /** Sets whose members are together only while they are asked for by the set's name. */
  readonly byNameSets?: ReadonlyMap<string, readonly string[]>;
}

export interface SchedulerOptions extends SchedulerSettings {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly memory: MemoryKeeper;
  /** A model's process, counts or pin changed. */
  onModelChanged(modelId: string): void;
  onQueueChanged(): void;
  /** What is reserved for a model changed; it may be one that is gone. */
  onReservedChanged(modelId: string): void;
}
