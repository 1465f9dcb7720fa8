import path from 'node:path';
import type { DesktopRequest } from '#shared/contract/desktop-commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { InstanceView } from '#shared/contract/snapshot.ts';

/** The file or folder that the window means; it names none itself. Throws `not-found` if there is no such thing yet. */
export function openablePath(
  which: DesktopRequest<'open-path'>['which'],
  { configPath, dataFolder }: Pick<InstanceView, 'configPath' | 'dataFolder'>,
): string {
  switch (which) {
    case 'config':
      if (configPath !== null) return configPath;
      throw new AppError('not-found', 'There is no configuration file yet; the first change in Settings makes one.');
    case 'logs':
      return path.join(dataFolder, 'logs');
    case 'data':
      return dataFolder;
  }
}
