/** A llama-server that can be started. */
export interface EngineBuild {
  /** The installed build's folder name, else the executable's path. */
  readonly id: string;
  /** Absolute path of llama-server. */
  readonly executable: string;
  readonly origin: 'config' | 'path' | 'installed';
}

/** Where Corral stands in its search for a llama-server; plain data that crosses the transports as it is. */
export type EngineStatus =
  | { readonly status: 'searching' }
  | {
      readonly status: 'installing';
      /** What is being done, for people. */
      readonly step: string;
      readonly receivedBytes?: number;
      readonly totalBytes?: number;
    }
  | { readonly status: 'ready'; readonly build: EngineBuild }
  | {
      readonly status: 'missing';
      /** Why there is none. */
      readonly reason: string;
      /** What the user can do. */
      readonly hint: string;
    };
