import type { IncomingHttpHeaders } from 'node:http';
import type { RequestHandler } from 'express';
import type { EjectMode, EjectOutcome, LogLine } from '#shared/contract/commands.ts';
import type { CatalogView } from '#shared/contract/catalog.ts';
import type { AppError } from '#shared/contract/errors.ts';
import type { LoadPlanView, MemoryHistory } from '#shared/contract/memory.ts';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import type { SettingsPreview, SettingsView } from '#shared/contract/settings.ts';
import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import type { ConfigEdit } from './config/edit-config.ts';
import type { ResolvedConfig } from './config/resolved-config.ts';
import type { DownloadService } from './catalog/downloads/download-service-contract.ts';
import type { SettingsAccess, SettingsCaller } from './config/settings-access.ts';
import type { DialectName } from './dialects/dialect-names.ts';
import type { DeleteModel } from './engine-deletes.ts';
import type { MemoryProbes } from './engine-memory.ts';
import type { EventListener } from './event-feed.ts';
import type { Clock } from './ports/clock.ts';
import type { LogLevel } from './ports/logger.ts';
import type { LogRange } from './process/log-ring.ts';

/** Something about the configuration file that its owner should know. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
}

/** An address besides the native one. */
export interface ListenerFacts {
  readonly dialect: DialectName;
  readonly address: string;
  /** What the program it stands in for prints once it listens, if it is one that does. */
  readonly startupLine: string | undefined;
}

export interface EngineOptions {
  readonly config: ResolvedConfig;
  readonly configWarnings: readonly ConfigProblem[];
  readonly version: string;
  readonly dataFolder: string;
  /** A folder for sockets, with a short path. */
  readonly runtimeFolder: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** The configuration file; undefined where there is none to show or change. */
  readonly settings?: SettingsAccess;
  /** In place of the platform's probes of memory. */
  readonly memoryProbes?: MemoryProbes;
  /** Hears every line of Corral's own log. */
  onLogLine?(level: LogLevel, line: string): void;
}

/** The whole product behind its transports. Made by `openEngine`; used by `api/` and the composition roots alone. */
export interface Engine {
  /** Serves requests below `prefix`, behind the Host and Origin guards. Only before `start`. */
  mount(prefix: string, handler: RequestHandler): void;
  /** Listens, and loads what is to be loaded at start. Throws `port-taken`. */
  start(): Promise<void>;
  /** Stops in order; a second call with `isHurried` cuts short what the first one waits for. */
  stop(options?: { isHurried?: boolean }): Promise<void>;
  /** The native address. */
  address(): string;
  /** Where else it listens, in the order of the configuration. */
  furtherListeners(): readonly ListenerFacts[];
  /**
   * Takes over another configuration. Only models whose process depends on what changed get a new one, and running requests
   * finish on the old. Throws `port-taken` if a new address cannot be had; everything stays as it was then.
   */
  applyConfig(next: ResolvedConfig, warnings: readonly ConfigProblem[]): Promise<void>;
  /** The file was changed and cannot be used; the last good configuration stays. */
  reportConfigErrors(errors: readonly ConfigProblem[]): void;
  /** A line for Corral's own log, from whoever composes the engine. */
  log(level: LogLevel, message: string): void;
  /** The token of this start, for programs of the same user. */
  readonly instanceToken: string;
  /** Undefined if the headers carry the admin or instance token, else why not. */
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  snapshot(): Snapshot;
  /** `isLooking` (the default): somebody watches the numbers, so memory is read every four seconds meanwhile. */
  subscribe(listener: EventListener, options?: { isLooking?: boolean }): () => void;
  /** Throws `not-found` for a name that is neither id nor alias. */
  resolveModel(name: string): string;
  model(modelId: string): ModelView;
  loadModel(modelId: string, signal: AbortSignal): Promise<void>;
  ejectModel(modelId: string, mode: EjectMode, signal: AbortSignal): Promise<EjectOutcome>;
  ejectAllModels(mode: EjectMode, signal: AbortSignal): Promise<EjectOutcome[]>;
  readonly deleteModel: DeleteModel;
  setPinned(modelId: string, isPinned: boolean): void;
  resetModel(modelId: string): void;
  /** What loading a model would take and do now. */
  planLoad(modelId: string): Promise<LoadPlanView>;
  setGameMode(isOn: boolean): void;
  /** Looks for a llama-server as if for the first time, and forgets that there was none. */
  findEngine(): void;
  /** Throws `not-found` if no waiting request has that id. */
  cancelRequest(requestId: string): void;
  /** The configuration file; these throw as `SettingsAccess` says, and `conflict` where there is none. */
  readSettings(caller: SettingsCaller): Promise<SettingsView>;
  previewSettings(edits: readonly ConfigEdit[], caller: SettingsCaller): Promise<SettingsPreview>;
  updateSettings(edits: readonly ConfigEdit[], caller: SettingsCaller): Promise<void>;
  /** What is known of model files and llama.cpp builds. */
  readCatalog(signal: AbortSignal): Promise<CatalogView>;
  /** Looks again for models on disk; resolves with how many there are. */
  rescanCatalog(): Promise<number>;
  /** The one way in which models come to this machine. */
  readonly downloads: DownloadService;
  /** Who held how much of each device over the last hour. */
  readMemoryHistory(): MemoryHistory;
  /** The newest requests, newest first. */
  listRequests(limit: number): RequestRecord[];
  /** Throws `not-found` for a source that is neither `corral` nor a model. */
  readLogs(source: string, range: LogRange): { lines: LogLine[]; hasEarlier: boolean };
}
