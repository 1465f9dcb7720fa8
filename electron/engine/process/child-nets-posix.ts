import type { Logger } from '../ports/logger.ts';
import { openChildLedger, type ReadProcessIdentity } from './child-ledger.ts';
import { createOrphanGuard } from './orphan-guard-posix.ts';

/** What sees to it that no child outlives the app. */
export interface ChildNets {
  onSpawned(pid: number): void;
  onGone(pid: number): void;
  close(): Promise<void>;
}

/** The guard for an app that dies, and the ledger for a guard that dies with it. What an earlier run left is ended first. */
export async function openChildNetsPosix(options: {
  dataFolder: string;
  readIdentity: ReadProcessIdentity;
  logger: Logger;
}): Promise<ChildNets> {
  const { dataFolder, readIdentity, logger } = options;
  const ledger = await openChildLedger({ folder: dataFolder, readIdentity, logger });
  const guard = createOrphanGuard(logger);
  return {
    onSpawned(pid) {
      guard.add(pid);
      ledger.add(pid);
    },
    onGone(pid) {
      guard.remove(pid);
      ledger.remove(pid);
    },
    async close() {
      await Promise.all([guard.close(), ledger.close()]);
    },
  };
}
