import type { EjectOutcome } from '#shared/contract/commands.ts';
import type { AppError } from '#shared/contract/errors.ts';
import type { ModelState } from '#shared/model/model-state.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import type { DeviceBytes, ModelNeed } from '../memory/device-facts.ts';
import type { ModelProcessView } from '../supervisor/model-process-contract.ts';
import type { Lease } from './lease.ts';
import type { ModelCounts } from './scheduler-contract.ts';
import type { EjectKind, ModelFacts } from './view.ts';

export interface PendingEject {
  readonly mode: EjectKind;
  readonly upToOrder: number;
  readonly startedMs: number;
  settle(outcome: EjectOutcome | AppError): void;
}

/** What the scheduler knows of a model. It changes this, and nobody else. */
export interface ModelRecord {
  config: ModelConfig;
  /** No longer configured; it goes with its process. */
  isRemoved: boolean;
  active: Set<Lease>;
  lastUsedMs: number;
  readyAtMs: number;
  lastUsedWallMs: number | null;
  isPinned: boolean;
  eject: PendingEject | undefined;
  lastState: ModelState;
  /** Loads in a row that ran out of memory. */
  outOfMemory: number;
  /** What the last start was made for; by the time it fails that may be too old to decide by. */
  startedFor: ModelNeed | undefined;
  /** A client's wish for this load, in place of the configured idle time; infinite: for good. */
  keepAliveMs: number | undefined;
  /** Taken instead of an automatic context, after loads that ran out of memory. */
  contextSize: number | undefined;
  /** The set it was last asked for by; undefined if by its own name. */
  setName: string | undefined;
}

export function createModelRecord(config: ModelConfig): ModelRecord {
  return {
    config,
    isRemoved: false,
    active: new Set(),
    lastUsedMs: 0,
    readyAtMs: 0,
    lastUsedWallMs: null,
    isPinned: config.pinned,
    eject: undefined,
    lastState: 'off',
    outOfMemory: 0,
    startedFor: undefined,
    keepAliveMs: undefined,
    contextSize: undefined,
    setName: undefined,
  };
}

/** Makes records of models that are new and takes over the settings of those that are known. */
export function updateRecords(records: Map<string, ModelRecord>, models: ReadonlyMap<string, ModelConfig>): void {
  for (const config of models.values()) {
    const known = records.get(config.id);
    if (known === undefined) {
      records.set(config.id, createModelRecord(config));
      continue;
    }
    if (known.config.pinned !== config.pinned) known.isPinned = config.pinned;
    known.config = config;
    known.isRemoved = false;
  }
}

/** Requests a model gets at once. */
export function concurrencyOf(config: ModelConfig, { slots }: Pick<ModelProcessView, 'slots'>): number {
  // Until the server has told how many slots it has.
  return config.concurrency ?? slots ?? (config.kind === 'file' ? (config.parallel ?? 1) : 1);
}

/** Idle time before it is unloaded; 0 means never, as in the configuration. */
export function ttlMsOf({ config, keepAliveMs }: Pick<ModelRecord, 'config' | 'keepAliveMs'>): number {
  if (keepAliveMs === undefined) return config.ttlMs;
  return Number.isFinite(keepAliveMs) ? Math.max(1, keepAliveMs) : 0;
}

/** What decisions see of a record and its process. Pure. */
export function modelFacts(
  model: ModelRecord,
  view: ModelProcessView,
  memory: Pick<ModelFacts, 'need' | 'reserved' | 'reloadMs'>,
): ModelFacts {
  const { config } = model;
  return {
    id: config.id,
    state: view.state,
    activeRequests: model.active.size,
    concurrency: concurrencyOf(config, view),
    isPinned: model.isPinned,
    priority: config.priority,
    lastUsedMs: model.lastUsedMs,
    readyAtMs: model.readyAtMs,
    ttlMs: ttlMsOf(model),
    nextStartAtMs: view.nextStartAtMs,
    eject: model.eject,
    clearsIdle: model.outOfMemory === 1,
    need: memory.need,
    reserved: memory.reserved,
    reloadMs: memory.reloadMs,
    setName: model.setName,
  };
}

/** What everybody may see of a record and its process. Pure. */
export function modelCounts(
  model: ModelRecord,
  view: ModelProcessView,
  waitingRequests: number,
  reserved: DeviceBytes,
): ModelCounts {
  const { config } = model;
  const isConcurrencyKnown = view.state === 'ready' || config.concurrency !== undefined;
  return {
    activeRequests: model.active.size,
    waitingRequests,
    concurrency: isConcurrencyKnown ? concurrencyOf(config, view) : null,
    isPinned: model.isPinned,
    setName: model.setName,
    lastUsedWallMs: model.lastUsedWallMs,
    reserved,
    ttlMs: ttlMsOf(model),
  };
}

/** Models of a set that is loaded together are used together, and so idle together. */
export function touchCompanions(
  model: ModelRecord,
  records: ReadonlyMap<string, ModelRecord>,
  togetherSets: readonly (readonly string[])[],
): void {
  for (const members of togetherSets) {
    if (!members.includes(model.config.id)) continue;
    for (const member of members) {
      const companion = records.get(member);
      if (companion !== undefined) companion.lastUsedMs = model.lastUsedMs;
    }
  }
}
