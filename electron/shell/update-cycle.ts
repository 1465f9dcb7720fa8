import type { AppUpdater } from 'electron-updater';
import type { UpdateStatus } from '#shared/contract/desktop-commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import { plainText, shortenEnd } from './plain-text.ts';
import type { Updater, UpdaterOptions } from './updater-contract.ts';

/** What the cycle uses of electron-updater. */
export type UpdateSource = Pick<
  AppUpdater,
  | 'allowDowngrade'
  | 'allowPrerelease'
  | 'autoDownload'
  | 'autoInstallOnAppQuit'
  | 'channel'
  | 'checkForUpdates'
  | 'disableWebInstaller'
  | 'logger'
  | 'off'
  | 'on'
  | 'quitAndInstall'
>;

export interface UpdateCycleOptions extends UpdaterOptions {
  /** Why this copy cannot update itself; undefined if it can. */
  readonly obstacle: string | undefined;
  /** Asked for once, and only if there is no obstacle. */
  loadSource(): Promise<UpdateSource>;
}

/** What starts with Corral should not compete with the first model for disk and network. */
const FIRST_CHECK_MS = 10_000;
const CHECK_INTERVAL_MS = 6 * 3_600_000;
/** After a check that failed: no network yet, most often. */
const RETRY_INTERVALS_MS = [60_000, 5 * 60_000, 30 * 60_000, 2 * 3_600_000];
const MAX_REASON_LENGTH = 300;
const SWITCHED_OFF = 'Updates are switched off (updates.channel is off).';

/**
 * Looks for a newer version soon after the start and every six hours, downloads it, and installs it when it is told to or
 * when Corral quits. Signatures are checked by electron-updater and by the platform's installer.
 */
export function createUpdateCycle(options: UpdateCycleOptions): Updater {
  const { obstacle } = options;
  let status: UpdateStatus = { status: 'idle', checkedAt: null };
  let source: Promise<UpdateSource> | undefined;
  let checking: Promise<void> | undefined;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let stopListening: (() => void) | undefined;
  let version = '';

  function change(next: UpdateStatus): void {
    if (isClosed || JSON.stringify(next) === JSON.stringify(status)) return;
    status = next;
    options.onChange();
  }

  function fail(error: Error): void {
    // The same failure comes as an event and as a rejection.
    options.log(`update: ${error.message}`);
    // electron-updater puts whole answers of servers behind the first line.
    const [firstLine = ''] = error.message.split('\n');
    change({ status: 'failed', reason: shortenEnd(plainText(firstLine), MAX_REASON_LENGTH) });
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (isClosed || obstacle !== undefined) return;
    timer = setTimeout(() => void check(), delayMs);
    timer.unref();
  }

  function scheduleNext(): void {
    schedule((failures === 0 ? undefined : RETRY_INTERVALS_MS[failures - 1]) ?? CHECK_INTERVAL_MS);
  }

  async function open(): Promise<UpdateSource> {
    const opened = await options.loadSource();
    opened.autoDownload = true;
    opened.autoInstallOnAppQuit = true;
    // Its files come without the signature that the full installer has.
    opened.disableWebInstaller = true;
    const log = (message?: unknown): void => options.log(`update: ${String(message)}`);
    opened.logger = { info: log, warn: log, error: log };
    const onAvailable = (info: { version: string }): void => {
      version = info.version;
      change({ status: 'downloading', version, progress: 0 });
    };
    const onNotAvailable = (): void => change({ status: 'idle', checkedAt: Date.now() });
    const onProgress = ({ percent }: { percent: number }): void =>
      change({ status: 'downloading', version, progress: Math.floor(Math.min(100, Math.max(0, percent))) / 100 });
    const onDownloaded = (info: { version: string }): void => change({ status: 'ready', version: info.version });
    opened.on('update-available', onAvailable);
    opened.on('update-not-available', onNotAvailable);
    opened.on('download-progress', onProgress);
    opened.on('update-downloaded', onDownloaded);
    opened.on('error', fail);
    stopListening = () => {
      opened.off('update-available', onAvailable);
      opened.off('update-not-available', onNotAvailable);
      opened.off('download-progress', onProgress);
      opened.off('update-downloaded', onDownloaded);
      // An error that nobody listens for would be thrown; a download cannot be recalled.
    };
    if (isClosed) stopListening();
    return opened;
  }

  async function look(): Promise<void> {
    const channel = options.channel();
    if (channel === 'off' || status.status === 'ready' || status.status === 'downloading') return;
    change({ status: 'checking' });
    try {
      source ??= open().catch((thrown: unknown) => {
        source = undefined;
        throw thrown;
      });
      const opened = await source;
      opened.allowPrerelease = channel === 'beta';
      opened.channel = channel === 'beta' ? 'beta' : 'latest';
      // Setting the channel allows downgrades; an older version may not read what a newer one has written.
      opened.allowDowngrade = false;
      const result = await opened.checkForUpdates();
      // Null, and no event, if electron-updater itself finds that there is nothing to be done here.
      if (result === null) change({ status: 'idle', checkedAt: Date.now() });
      failures = 0;
      result?.downloadPromise?.catch((thrown: unknown) => {
        failures += 1;
        fail(thrown as Error);
        scheduleNext();
      });
    } catch (thrown) {
      failures += 1;
      fail(thrown as Error);
    }
  }

  async function check(): Promise<void> {
    if (obstacle !== undefined || isClosed) return;
    checking ??= look().finally(() => {
      checking = undefined;
      scheduleNext();
    });
    await checking;
  }

  schedule(FIRST_CHECK_MS);

  return {
    status() {
      if (obstacle !== undefined) return { status: 'unavailable', reason: obstacle };
      if (options.channel() === 'off' && status.status !== 'ready') {
        return { status: 'unavailable', reason: SWITCHED_OFF };
      }
      return status;
    },
    check,
    async install() {
      if (status.status !== 'ready' || source === undefined) {
        throw new AppError('conflict', 'There is no update to install yet: check for updates first.');
      }
      const opened = await source;
      await options.beforeInstall();
      opened.quitAndInstall(false, true);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      stopListening?.();
    },
  };
}
