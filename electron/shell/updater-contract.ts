import type { UpdateStatus } from '#shared/contract/desktop-commands.ts';

export type UpdateChannel = 'stable' | 'beta' | 'off';

export interface UpdaterOptions {
  readonly isPackaged: boolean;
  channel(): UpdateChannel;
  /** The status is another one. */
  onChange(): void;
  /** Stops everything in order; the app is replaced once it has resolved. */
  beforeInstall(): Promise<void>;
  log(line: string): void;
}

export interface Updater {
  status(): UpdateStatus;
  /** Resolves once it is known whether there is a newer version; a download may go on. Never rejects. */
  check(): Promise<void>;
  /** Rejects with an `AppError` if nothing is ready to be installed, or Corral could not be stopped for it. */
  install(): Promise<void>;
  close(): void;
}
