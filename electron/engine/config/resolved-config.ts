import type { DialectName, ForeignFormatName } from '../dialects/dialect-names.ts';

/**
 * The configuration as the engine uses it: defaults filled in, durations in milliseconds, sizes in bytes, paths absolute,
 * commands split into argument lists. Produced by `load-config.ts` and never mutated.
 */

export interface ResolvedConfig {
  /** The file it came from; undefined when Corral runs on defaults alone. */
  readonly filePath: string | undefined;
  /** Set where the file is another program's, which Corral understands and never edits. */
  readonly foreign: ForeignFile | undefined;
  readonly server: ServerConfig;
  readonly engine: EngineConfig;
  readonly memory: MemoryConfig;
  readonly scheduler: SchedulerConfig;
  /** Addresses besides the native one. */
  readonly listeners: readonly ListenerConfig[];
  readonly log: LogConfig;
  readonly telemetry: TelemetryConfig;
  /** Of the desktop app; a headless Corral has nothing to update. */
  readonly updates: { readonly channel: 'stable' | 'beta' | 'off' };
  readonly catalog: CatalogConfig;
  /** How models that are found on disk are run: by the defaults. Its id and file stand for theirs. */
  readonly foundModel: FileModelConfig;
  /** Models that belong together, by the set's name, in file order. */
  readonly sets: ReadonlyMap<string, SetConfig>;
  /** Servers elsewhere, by the pool's name, in file order. */
  readonly pools: ReadonlyMap<string, PoolConfig>;
  /** In file order. */
  readonly models: ReadonlyMap<string, ModelConfig>;
}

export interface ForeignFile {
  readonly format: ForeignFormatName;
  /** As its own program understands it, defaults filled in. */
  readonly document: unknown;
}

/** A further address, which may speak another program's language. */
export interface ListenerConfig {
  readonly dialect: DialectName;
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** What the dialect's own schema made of `options`. */
  readonly options: object;
}

export interface ServerConfig {
  /** `localhost` stands for 127.0.0.1 and ::1 both. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly apiKeys: readonly ApiKeyConfig[];
  readonly adminToken: string | undefined;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly allowRemoteConfig: boolean;
  readonly maxBodyBytes: number;
  /** What becomes of requests that name pictures by address; `allow` leaves them to the server of the model. */
  readonly remoteImages: 'refuse' | 'fetch' | 'allow';
  readonly timeouts: {
    /** Reading a request's headers and body from the client. */
    readonly requestMs: number;
    /** Connecting to a model's process. */
    readonly connectMs: number;
    /** First byte of a model's answer; 0 waits for ever, which long prompts on slow machines need. */
    readonly responseMs: number;
    /** Silence within an answer; 0 waits for ever. */
    readonly idleMs: number;
    /** How long running answers may go on once Corral was asked to stop. */
    readonly shutdownMs: number;
  };
}

/** A key is a lane: a client with a name, a priority and limits of its own. */
export interface ApiKeyConfig {
  readonly name: string;
  readonly key: string;
  /** Higher is served first; 0 is normal. */
  readonly priority: number;
  /** Requests of this lane that may run at once. */
  readonly concurrency: number | undefined;
  /** Ids this lane may use; undefined means all. */
  readonly models: readonly string[] | undefined;
  /** Whether its streams get comments while their request waits. */
  readonly hasWaitingComments: boolean;
}

export interface EngineConfig {
  /** `auto`, or an absolute path of a llama-server executable. */
  readonly path: string;
  readonly autoInstall: boolean;
}

export interface MemoryConfig {
  readonly policy: 'evict-lru' | 'reject';
  /** Models that may be loaded at once; infinite where only memory limits them. */
  readonly maxLoaded: number;
  /** Of each device, left to other programs. */
  readonly reserveBytes: number;
  /** The most that models may use, by device. */
  readonly budgetsBytes: Readonly<Record<string, number>>;
  readonly gameMode: { readonly requests: 'hold' | 'refuse'; readonly isAutomatic: boolean };
  readonly kvCache: {
    /** Undefined means the one in the data folder. */
    readonly folder: string | undefined;
    /** What all saved conversations may use on disk; 0 saves none. */
    readonly maxBytes: number;
  };
}

export interface SchedulerConfig {
  /** How long a request may be overtaken by younger ones for a model that is already loaded. */
  readonly fairnessBoundMs: number;
  /** Requests that may wait over all models. */
  readonly maxQueued: number;
  /** Comments on streams while their request waits. */
  readonly waitingComments: {
    readonly isEnabled: boolean;
    /** Silence before the first one. */
    readonly afterMs: number;
    /** Time between two. */
    readonly intervalMs: number;
  };
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
}

/** Where models on disk are found without being listed. */
export interface CatalogConfig {
  /** Absolute. */
  readonly folders: readonly string[];
  readonly huggingFaceCache: boolean;
  readonly ollama: boolean;
  readonly lmStudio: boolean;
  readonly huggingFace: {
    /** Undefined: as the environment says. */
    readonly origin: string | undefined;
    readonly parallelFiles: number;
  };
}

export interface TelemetryConfig {
  /** Request records kept in memory. */
  readonly maxRecords: number;
  /** What their files may use on disk; 0 writes none. */
  readonly maxFileBytes: number;
}

export interface SetConfig {
  readonly models: readonly string[];
  /** `together`: all members are loaded with the first that is asked for by the set's name. */
  readonly load: 'together' | 'on-demand';
  /** Nothing else stays loaded beside its members, pinned models apart. */
  readonly isExclusive: boolean;
  /** Loading a member unloads everything outside of the set; what is loaded later may stay beside it. */
  readonly evictsOthers: boolean;
  /** Only one of its members is loaded at a time. */
  readonly isOneAtATime: boolean;
  /** Sets that unload others leave its members alone. */
  readonly isPersistent: boolean;
  /** Its members are together only while they are asked for by its name. */
  readonly isByName: boolean;
}

/** Servers elsewhere that answer for models which are not among the configured ones. */
export interface PoolConfig {
  /** Each address with a key once. */
  readonly endpoints: readonly PoolEndpointConfig[];
  readonly sticky: 'none' | 'user';
  /** Since the last request. */
  readonly stickyTtlMs: number;
  /** Pairs of user and model. */
  readonly maxSticky: number;
  /** Whether `*` takes what the endpoints list, or everything that is named in no pool. */
  readonly wildcard: 'listed' | 'any';
  readonly queue: { readonly max: number; readonly maxWaitMs: number };
  readonly health: {
    /** Or `none`. */
    readonly path: string;
    readonly intervalMs: number;
    /** For a check, and for connecting. */
    readonly timeoutMs: number;
  };
}

export interface PoolEndpointConfig {
  /** Without a slash, and without `/v1`, at its end. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Ids, or `*`. */
  readonly models: readonly string[];
  /** Requests it gets at once; undefined: no limit. */
  readonly concurrency: number | undefined;
}

/** Changes to the JSON body of requests; what is set wins over what is stripped. */
export interface FilterConfig {
  readonly strip: readonly string[];
  readonly set: Readonly<Record<string, unknown>>;
  /** Set on top for requests that name the model so: an id or alias. */
  readonly setFor?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What the model's server is told as the model's name; undefined leaves what the client wrote. */
  readonly model?: string | undefined;
}

export type ModelConfig = FileModelConfig | CommandModelConfig;

interface CommonModelConfig {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Variables set for the child on top of Corral's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Requests the child gets at once; undefined means as many as it has slots. */
  readonly concurrency: number | undefined;
  readonly queue: { readonly max: number; readonly maxWaitMs: number };
  /** Idle time after the last completion before the model is unloaded; 0 means never. */
  readonly ttlMs: number;
  readonly startTimeoutMs: number;
  /** Until the health check of a start is answered at all, if only with a refusal; undefined: as long as the start may take. */
  readonly answerTimeoutMs: number | undefined;
  /** Between the polite signal and the one that cannot be ignored. */
  readonly stopGraceMs: number;
  readonly pinned: boolean;
  /** Load when Corral starts. */
  readonly startup: boolean;
  /** Higher is evicted later and served first; 0 is normal. */
  readonly priority: number;
  readonly filters: FilterConfig | undefined;
  /** Left out of the list of models; it can be used all the same. */
  readonly isUnlisted: boolean;
}

/** A GGUF file that Corral runs llama-server on. */
export interface FileModelConfig extends CommonModelConfig {
  readonly kind: 'file';
  readonly file: string;
  readonly mmproj: string | undefined;
  readonly contextSize: number | undefined;
  readonly gpuLayers: number | 'auto' | 'all';
  readonly kvCacheType: string | undefined;
  readonly parallel: number | undefined;
  readonly embeddings: boolean;
  readonly pooling: 'none' | 'mean' | 'cls' | 'last' | 'rank' | undefined;
  readonly rerank: boolean;
  readonly devices: readonly string[];
  /** RPC workers, `host:port` each. */
  readonly rpc: readonly string[];
  /** Appended to the command line as they are. */
  readonly args: readonly string[];
  /** What its slots remember is saved when it is unloaded and restored when it comes back. */
  readonly keepKvCache: boolean;
}

/** Any server, started by a command that the user wrote; it is never rewritten. */
export interface CommandModelConfig extends CommonModelConfig {
  readonly kind: 'command';
  /** `${PORT}`, `${HOST}` and `${MODEL_ID}` are filled in at each start. */
  readonly command: readonly [string, ...string[]];
  /** Run before the process is told to end; `${PID}` and `${PORT}` are filled in. */
  readonly stopCommand: readonly [string, ...string[]] | undefined;
  /** A path that answers 200 once the server is ready, or `none`: ready as soon as it runs or its pattern appears. */
  readonly health: string;
  /** Where it answers, for a command with a port of its own; undefined for one that is told a free port. */
  readonly proxy: string | undefined;
  /** A regular expression; a line of output that matches means ready. */
  readonly readyPattern: RegExp | undefined;
  /** Where free ports for it are looked for from; undefined: anywhere. */
  readonly firstPort: number | undefined;
  readonly cwd: string | undefined;
}
