import type { Logger } from '../ports/logger.ts';
import { openChildNetsPosix, type ChildNets } from './child-nets-posix.ts';
import { readProcessIdentity as readIdentityDarwin } from './process-identity-darwin.ts';
import { readProcessIdentity as readIdentityLinux } from './process-identity-linux.ts';

/**
 * The nets of this platform. Windows needs none: libuv puts every child that is not detached into a job that the system
 * closes, and empties, with the app.
 */
export async function openChildNets(options: {
  platform: NodeJS.Platform;
  dataFolder: string;
  logger: Logger;
}): Promise<ChildNets> {
  if (options.platform === 'win32') {
    return { onSpawned: () => undefined, onGone: () => undefined, close: () => Promise.resolve() };
  }
  const readIdentity = options.platform === 'linux' ? readIdentityLinux : readIdentityDarwin;
  return await openChildNetsPosix({ ...options, readIdentity });
}
