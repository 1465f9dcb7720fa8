import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AppError } from '#shared/contract/errors.ts';
import type { ModelConfig, ListenerConfig, ResolvedConfig } from '../config/resolved-config.ts';
import type { Engine } from '../engine-contract.ts';
import type { ResolvedName } from '../model-table.ts';
import type { ListedPoolModel } from '../pools/pools-contract.ts';
import type { Clock } from '../ports/clock.ts';
import type { LogLevel } from '../ports/logger.ts';
import type { Lane } from '../proxy/guards.ts';
import type { InferenceHandler } from '../proxy/inference.ts';
import type { RequestUrl } from '../proxy/request-url.ts';
import type { ApiFamily, InferenceRoute } from '../proxy/routes.ts';
import type { SeedName } from './dialect-names.ts';

/** A request that passed the guards. */
export interface DialectCall extends RequestUrl {
  /** Whose key it carries. */
  readonly lane: Lane;
}

/** What a dialect knows of the engine it speaks for. All of it is as it is when it is asked for. */
export interface DialectHost {
  /** The same engine that the native address serves. */
  readonly engine: Pick<
    Engine,
    | 'snapshot'
    | 'subscribe'
    | 'model'
    | 'loadModel'
    | 'ejectModel'
    | 'ejectAllModels'
    | 'resetModel'
    | 'setPinned'
    | 'planLoad'
    | 'listRequests'
    | 'readLogs'
    | 'readCatalog'
    | 'checkAdmin'
    | 'log'
  >;
  readonly clock: Clock;
  /** Answers inference requests as this listener does, errors in the dialect's envelope. */
  readonly inference: InferenceHandler;
  config(): ResolvedConfig;
  /** As it stands in the configuration. */
  listener(): ListenerConfig;
  /** Where this listener really listens, such as `http://127.0.0.1:8080`. */
  address(): string;
  /** By id, alias or `set/model`. */
  resolveName(name: string): ResolvedName | undefined;
  modelConfig(modelId: string): ModelConfig | undefined;
  /** Models the lane may see, in the order of the file. */
  modelIds(lane: Lane): readonly string[];
  /** What pools answer for and the lane may see, by lists no older than `maxAgeMs`. */
  pooledModels(lane: Lane, maxAgeMs: number): Promise<readonly ListedPoolModel[]>;
  renderMetrics(): Promise<{ contentType: string; text: string }>;
  /** A line for Corral's own log. */
  log(level: LogLevel, message: string): void;
  /** Undefined if the headers carry Corral's admin or instance token, else why not. */
  checkAdmin(headers: IncomingHttpHeaders): AppError | undefined;
  /**
   * Replaces the foreign file that is served and takes it into use; the previous one is kept beside it. Throws
   * `config-invalid` and changes nothing if it has errors, `conflict` where no foreign file is served or it cannot be
   * written.
   */
  replaceConfigFile(text: string): Promise<void>;
}

/** A dialect as it answers on one listener. */
export interface DialectListener {
  /** The shape of errors, also of the inference routes. */
  readonly family: ApiFamily;
  /**
   * True: it took the request and answers it, whatever comes of it. False: the native inference routes have it. Called only
   * for requests that passed Host, Origin and key; what it throws is answered in its own envelope.
   */
  answer(request: IncomingMessage, response: ServerResponse, call: DialectCall): boolean;
  /** A token of its own that lets a request pass where a key is demanded; the dialect's routes check it themselves. */
  isOwnToken?(headers: IncomingHttpHeaders): boolean;
  /** Whether a model may be asked for this, beyond what Corral checks itself. */
  checkTarget?(modelId: string, route: InferenceRoute, request: IncomingMessage): AppError | undefined;
  /** Whether a model's streams get comments while they wait, where that is not as Corral's settings say. */
  sendsComments?(modelId: string): boolean | undefined;
  /**
   * A server-sent event, blank line included, that a stream begins with where its model has to be loaded first. Status 200 is
   * sent with it: what fails later is told by an event.
   */
  loadingNote?(modelId: string, pathname: string): string | undefined;
  /** The line the program prints once it listens. */
  startupLine?(address: string): string;
  /** Ends what it has open: timers, streams. */
  close?(): void | Promise<void>;
}

export interface Dialect {
  readonly name: SeedName;
  /** `options` are what the schema in `dialect-facts.ts` made of the file's. */
  create(host: DialectHost, options: unknown): DialectListener;
}
