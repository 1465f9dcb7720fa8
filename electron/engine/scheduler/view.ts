import type { DeviceBytes, MemoryFacts, ModelNeed } from '../memory/device-facts.ts';
import type { Placement } from '../memory/placement.ts';
import type { waitReasons } from '#shared/contract/snapshot.ts';
import type { EjectMode } from '#shared/contract/commands.ts';
import type { ModelState } from '#shared/model/model-state.ts';

/** `replace`: the settings changed; running requests finish, those that wait are served by the next process. */
export type EjectKind = EjectMode | 'replace';

/** What the decisions see of a model. */
export interface ModelFacts {
  readonly id: string;
  readonly state: ModelState;
  readonly activeRequests: number;
  /** Requests it gets at once. */
  readonly concurrency: number;
  readonly isPinned: boolean;
  /** Higher is evicted later. */
  readonly priority: number;
  /** Monotonic time of the last completion, or of becoming ready. */
  readonly lastUsedMs: number;
  /** Monotonic time of becoming ready; of the last process where there is none. */
  readonly readyAtMs: number;
  /** Idle time before it is unloaded; 0 means never. */
  readonly ttlMs: number;
  /** A start before this monotonic time would come too soon after a failure. */
  readonly nextStartAtMs: number;
  /** An eject somebody asked for, with the number of the newest entry it lets pass. */
  readonly eject: { readonly mode: EjectKind; readonly upToOrder: number } | undefined;
  /** What it takes to load it; undefined until that was found out. */
  readonly need: ModelNeed | undefined;
  /** What it holds, or has not yet been seen to give back. */
  readonly reserved: DeviceBytes;
  /** Its last load ran out of memory: whatever is idle goes before the next one. */
  readonly clearsIdle: boolean;
  /** What a load took the last times, or is expected to. */
  readonly reloadMs: number;
  /** The set it was last asked for by; undefined if by its own name. */
  readonly setName?: string | undefined;
}

/** What the decisions see of somebody who waits. */
export interface WaitingFacts {
  readonly id: string;
  readonly modelId: string;
  /** The set it is asked for by; undefined if by its own name. */
  readonly setName?: string | undefined;
  readonly lane: string;
  /** A request takes a slot; a load only wants the model ready. */
  readonly kind: 'request' | 'load';
  /** Nobody stands behind it: given up rather than that anything else goes or waits for it. */
  readonly isOptional: boolean;
  /** Higher is served first. */
  readonly priority: number;
  /** Rises with each arrival. */
  readonly order: number;
  readonly enqueuedMs: number;
  readonly deadlineMs: number;
}

export interface SchedulerFacts {
  readonly nowMs: number;
  readonly models: ReadonlyMap<string, ModelFacts>;
  readonly waiting: readonly WaitingFacts[];
  /** Running requests by lane, and how many each may run. */
  readonly laneActive: ReadonlyMap<string, number>;
  readonly laneLimits: ReadonlyMap<string, number>;
  readonly fairnessBoundMs: number;
  /** Undefined while nothing is known about memory. */
  readonly memory: MemoryFacts | undefined;
  /** Everything is to go, and nothing to come, until it is switched off. */
  readonly gameMode: 'off' | 'hold' | 'refuse';
}

export type WaitReason = (typeof waitReasons)[number];

export type SchedulerDecision =
  | { readonly kind: 'grant'; readonly requestId: string }
  | { readonly kind: 'start'; readonly modelId: string; readonly placement: Placement | undefined }
  /** Find out what it needs and what there is. */
  | { readonly kind: 'prepare'; readonly modelId: string }
  | { readonly kind: 'drain'; readonly modelId: string }
  | { readonly kind: 'abandon-start'; readonly modelId: string }
  | { readonly kind: 'stop'; readonly modelId: string; readonly askedBy: string; readonly abortsRequests: boolean }
  | {
      readonly kind: 'reject';
      readonly requestId: string;
      readonly code: 'queue-timeout' | 'no-room' | 'model-failed' | 'ejected' | 'game-mode';
      readonly message: string;
      /** For programs. */
      readonly details?: Readonly<Record<string, unknown>> | undefined;
    };

export interface Decisions {
  readonly decisions: readonly SchedulerDecision[];
  /** Why each entry that stays in the queue waits. */
  readonly waitReasons: ReadonlyMap<string, WaitReason>;
  /** Monotonic time at which to decide again though nothing happened; undefined if nothing is due. */
  readonly wakeAtMs: number | undefined;
}
