import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { configInvalidError, type ConfigIssue } from './config-issue.ts';
import type { ConfigEdit } from './edit-config.ts';
import { findForbiddenEdits } from './forbidden-edits.ts';
import { loadConfig, type ConfigResult, type ConfigSurroundings } from './load-config.ts';
import type { ResolvedConfig } from './resolved-config.ts';
import { saveConfig } from './save-config.ts';
import { watchConfig } from './watch-config.ts';

/** Who lives by the configuration. */
export interface ConfigUser {
  /** Takes over another configuration; throws if it cannot, and goes on with the one before. */
  applyConfig(config: ResolvedConfig, warnings: readonly ConfigIssue[]): Promise<void>;
  reportConfigErrors(errors: readonly ConfigIssue[]): void;
}

export interface LiveConfig {
  /** The file as it is now; what it says later goes to the user that `follow` names. */
  load(): Promise<ConfigResult>;
  /** From now on every change of the file is applied, or reported while the last good one stays. */
  follow(user: ConfigUser): void;
  /**
   * Changes the file, comments and order kept, and applies it. Throws `forbidden` for settings that nobody may change from
   * outside, `config-invalid` for values that make no valid file, `conflict` if somebody else is changing it right now.
   */
  save(edits: readonly ConfigEdit[]): Promise<void>;
  close(): Promise<void>;
}

export interface LiveConfigOptions extends ConfigSurroundings {
  readonly filePath: string;
  /** The user named the file, so that it has to be there. */
  readonly isExplicit: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What stands above the file, such as the options of a command line. Throws what is wrong with it. */
  override(config: ResolvedConfig): ResolvedConfig;
}

/** The configuration file over its life: read, watched, changed. */
export function createLiveConfig(options: LiveConfigOptions): LiveConfig {
  const { filePath, clock, logger } = options;
  let user: ConfigUser | undefined;
  let current: ResolvedConfig | undefined;
  let isPending = false;
  let work: Promise<void> = Promise.resolve();

  const watch = watchConfig({
    filePath,
    clock,
    logger,
    onChange() {
      if (user === undefined) isPending = true;
      else void reload(user);
    },
  });

  async function read(isInUse: boolean): Promise<ConfigResult> {
    const result = await loadConfig({ ...options, isExplicit: options.isExplicit || isInUse, isInUse });
    return result.ok ? { ...result, config: options.override(result.config) } : result;
  }

  function reload(to: ConfigUser): Promise<void> {
    const next = work.then(async () => {
      try {
        // A file that was there and is gone, or empty, was not meant as "no models": the last good one stays.
        const result = await read(current?.filePath !== undefined);
        if (!result.ok) {
          to.reportConfigErrors(result.errors);
          return;
        }
        await to.applyConfig(result.config, result.warnings);
        current = result.config;
      } catch (thrown) {
        to.reportConfigErrors([{ path: '', message: toAppError(thrown).message }]);
      }
    });
    work = next;
    return next;
  }

  return {
    async load() {
      await watch.ready;
      const result = await read(false);
      if (result.ok) current = result.config;
      return result;
    },

    follow(next) {
      user = next;
      if (isPending) void reload(next);
      isPending = false;
    },

    async save(edits) {
      if (current?.server.allowRemoteConfig !== true) {
        const forbidden = findForbiddenEdits(edits);
        if (forbidden.length > 0) {
          const lines = forbidden.map((issue) => `${issue.path} ${issue.message}`);
          throw new AppError(
            'forbidden',
            `These settings cannot be changed from outside the file: ${lines.join('; ')}.`,
          );
        }
      }
      const result = await saveConfig({ ...options, edits });
      if (!result.ok) throw configInvalidError(filePath, result.errors);
      if (user !== undefined) await reload(user);
    },

    async close() {
      user = undefined;
      await watch.close();
      await work;
    },
  };
}
