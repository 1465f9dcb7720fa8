import { resolve } from 'node:path';
import { AppError, toAppError } from '#shared/contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { configInvalidError, formatConfigIssue, type ConfigIssue } from './config-issue.ts';
import { decodeUtf8, describeFailure, newFileText, readCurrent } from './config-file.ts';
import { interpretConfig, type ConfigFormat } from './interpret-config.ts';
import { findForbiddenEdits } from './forbidden-edits.ts';
import { lanAddresses } from './lan-addresses.ts';
import { loadConfig, type ConfigResult, type ConfigSurroundings } from './load-config.ts';
import { refuseMaskedEdits } from './mask-settings.ts';
import { previewSettings } from './preview-settings.ts';
import type { ResolvedConfig } from './resolved-config.ts';
import { replaceConfigFile, saveConfig } from './save-config.ts';
import type { SettingsAccess, SettingsCaller } from './settings-access.ts';
import { settingsView } from './settings-view.ts';
import { watchConfig } from './watch-config.ts';

/** Who lives by the configuration. */
export interface ConfigUser {
  /** Takes over another configuration; throws if it cannot, and goes on with the one before. */
  applyConfig(config: ResolvedConfig, warnings: readonly ConfigIssue[]): Promise<void>;
  reportConfigErrors(errors: readonly ConfigIssue[]): void;
}

export interface LiveConfig extends SettingsAccess {
  /** The file as it is now; what it says later goes to the user that `follow` names. */
  load(): Promise<ConfigResult>;
  /** From now on every change of the file is applied, or reported while the last good one stays. */
  follow(user: ConfigUser): void;
  close(): Promise<void>;
}

export interface LiveConfigOptions extends ConfigSurroundings {
  readonly filePath: string;
  /** The user named the file, so that it has to be there. */
  readonly isExplicit: boolean;
  /** Undefined: told by what the file holds. */
  readonly format?: ConfigFormat | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What stands above the file, such as the options of a command line. Throws what is wrong with it. */
  override(config: ResolvedConfig): ResolvedConfig;
}

/** The configuration file over its life: read, watched, changed. */
export function createLiveConfig(options: LiveConfigOptions): LiveConfig {
  const { clock, logger } = options;
  const filePath = resolve(options.filePath);
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
          // Where it stands in the file is said in words: a window shows it beside the path.
          to.reportConfigErrors(
            result.errors.map((issue) => ({ path: issue.path, message: formatConfigIssue({ ...issue, path: '' }) })),
          );
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

  function isUnlimited({ isOwner }: SettingsCaller): boolean {
    return isOwner || current?.server.allowRemoteConfig === true;
  }

  /** A form for Corral's own file would only break another program's. */
  function refuseForeign(): void {
    if (current?.foreign === undefined) return;
    throw new AppError(
      'conflict',
      `${filePath} belongs to ${current.foreign.format}, so Corral does not edit it. ` +
        `Change it by hand, or make a file of Corral's own with \`corral config import\`.`,
    );
  }

  /** Undefined if there is no file. */
  async function readText(): Promise<string | undefined> {
    const file = await describeFailure(filePath, () => readCurrent(filePath, 'read'), 'read');
    if (file === undefined) return undefined;
    const text = decodeUtf8(file.bytes);
    if (text === undefined)
      throw new AppError('conflict', `${filePath} is not UTF-8 text; save it with that encoding.`);
    return text;
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

    async readSettings(caller) {
      refuseForeign();
      const text = await readText();
      return settingsView({ filePath, text, isUnlimited: isUnlimited(caller), lanAddresses: lanAddresses() });
    },

    async previewSettings(edits, caller) {
      refuseForeign();
      return previewSettings({
        ...options,
        filePath,
        before: (await readText()) ?? newFileText(filePath, undefined),
        edits,
        current,
        isUnlimited: isUnlimited(caller),
        isLoaded: (modelId) => caller.isLoaded(modelId),
      });
    },

    async updateSettings(edits, caller) {
      refuseForeign();
      refuseMaskedEdits(edits);
      if (!isUnlimited(caller)) {
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

    async replaceForeignFile(text) {
      const foreign = current?.foreign;
      if (foreign === undefined) {
        throw new AppError('conflict', `${filePath} is Corral's own configuration and cannot be replaced this way.`);
      }
      const result = await interpretConfig({ ...options, text, filePath, format: foreign.format });
      if (!result.ok) throw configInvalidError(filePath, result.errors);
      options.override(result.config);
      await replaceConfigFile(filePath, text);
      if (user !== undefined) await reload(user);
    },

    async close() {
      user = undefined;
      await watch.close();
      await work;
    },
  };
}
