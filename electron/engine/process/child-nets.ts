import type { Logger } from '../ports/logger.ts';
import { openChildNetsPosix, type ChildNets } from './child-nets-posix.ts';
import { endLeftovers } from './leftovers-linux.ts';
import { readProcessIdentity as readIdentityDarwin } from './process-identity-darwin.ts';
import { readProcessIdentity as readIdentityLinux } from './process-identity-linux.ts';

/**
 * The nets of this platform. Windows needs none: libuv puts every child that is not detached into a job that the system
 * closes, and empties, with the app.
 */
export async function openChildNets(options: {
  platform: NodeJS.Platform;
  dataFolder: string;
  /** What children carry in their environment. */
  ownerMark: string;
  logger: Logger;
}): Promise<ChildNets> {
  if (options.platform === 'win32') {
    return { onSpawned: () => undefined, onGone: () => undefined, close: () => Promise.resolve() };
  }
  if (options.platform !== 'linux') return await openChildNetsPosix({ ...options, readIdentity: readIdentityDarwin });
  await endLeftovers(options.ownerMark, options.logger);
  const nets = await openChildNetsPosix({ ...options, readIdentity: readIdentityLinux });
  return {
    ...nets,
    async close() {
      await nets.close();
      await endLeftovers(options.ownerMark, options.logger);
    },
  };
}
