import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { HIDDEN_ARGUMENT, type Autostart } from './autostart-contract.ts';
import { autostartEntry, startsCommand } from './desktop-entry-linux.ts';

export interface LinuxAutostartOptions {
  readonly isInstalled: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
  readonly execPath: string;
  readonly homeFolder: string;
}

/** An entry in the user's autostart folder (Desktop Application Autostart Specification). */
export function createLinuxAutostart(options: LinuxAutostartOptions): Autostart {
  const { isInstalled, env } = options;
  // An AppImage runs from a mount point that is another one each time.
  const command = [env['APPIMAGE'] ?? options.execPath, HIDDEN_ARGUMENT];
  const filePath = path.join(configFolder(options), 'autostart', 'corral.desktop');
  let isOn = isInstalled && startsCommand(readAtStart(filePath), command);

  return {
    isSupported: () => isInstalled,
    isOn: () => isOn,
    async set(isWanted) {
      if (!isInstalled) return;
      try {
        if (isWanted) {
          await mkdir(path.dirname(filePath), { recursive: true });
          await writeFile(filePath, autostartEntry({ name: 'Corral', comment: 'Local language models', command }));
        } else {
          await rm(filePath, { force: true });
        }
        isOn = isWanted;
      } catch (thrown) {
        throw new AppError(
          'conflict',
          `Start at login could not be switched ${isWanted ? 'on' : 'off'}: ${(thrown as Error).message}. ` +
            `Make sure that ${path.dirname(filePath)} is yours to write to.`,
          { cause: thrown },
        );
      }
    },
    wasStartedByLogin: () => options.argv.includes(HIDDEN_ARGUMENT),
  };
}

/** "All paths set in these environment variables must be absolute"; others are to be ignored. */
function configFolder({ env, homeFolder }: LinuxAutostartOptions): string {
  const folder = env['XDG_CONFIG_HOME'];
  return folder !== undefined && path.posix.isAbsolute(folder) ? folder : path.join(homeFolder, '.config');
}

/** Once, while Corral starts: the menu asks for it without waiting. What cannot be read does not start anything either. */
function readAtStart(filePath: string): string {
  try {
    return readFileSync(filePath, 'utf8');
  } catch {
    return '';
  }
}
