import type { EngineBuild } from './engine-build.ts';

export interface InstallOptions {
  /** The folder that holds the installed builds, one folder each; it is made if it is missing. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Called at each step and, while something is downloaded, about twice a second. */
  onProgress(step: string, receivedBytes?: number, totalBytes?: number): void;
}

/** Somewhere llama-server can be had from. */
export interface EngineSource {
  /** For people: `Debian's archive`. */
  readonly name: string;
  /** Whether it serves this machine at all; needs no network and does not tell whether the network is there. */
  isAvailable(signal: AbortSignal): Promise<boolean>;
  /**
   * Installs its newest build beside the others. A build either appears whole (see `installed-builds.ts`) or not at all,
   * and nothing is left running or lying about. Throws an AppError `engine-missing` on failure, the signal's reason if
   * it aborts.
   */
  install(options: InstallOptions): Promise<EngineBuild>;
}
