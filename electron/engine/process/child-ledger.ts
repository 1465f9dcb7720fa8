import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../config/atomic-write.ts';
import type { Logger } from '../ports/logger.ts';
import { signalGroup } from './terminate-posix.ts';

const ledgerSchema = z.array(z.object({ pid: z.number().int().positive(), identity: z.string() }));

export type ReadProcessIdentity = (pid: number) => Promise<string | undefined>;

export interface ChildLedger {
  add(pid: number): void;
  remove(pid: number): void;
  /** Resolves once the file says what was last asked for. */
  close(): Promise<void>;
}

/**
 * The list of living children on disk: the second net below the orphan guard, for the case that both were killed at once.
 * Only the holder of the data folder may open it. What an earlier run left behind is ended first, and only if it is
 * provably the process that was written down: a stranger that got its pid never hears of us.
 */
export async function openChildLedger(options: {
  folder: string;
  readIdentity: ReadProcessIdentity;
  logger: Logger;
}): Promise<ChildLedger> {
  const { folder, readIdentity, logger } = options;
  const filePath = path.join(folder, 'children.json');
  await sweep(filePath, readIdentity, logger);

  const identities = new Map<number, string>();
  let writing: Promise<void> = Promise.resolve();
  const save = (): void => {
    writing = writing.then(async () => {
      const entries = [...identities].map(([pid, identity]) => ({ pid, identity }));
      try {
        await writeFileAtomically(filePath, JSON.stringify(entries), { mode: 0o600 });
      } catch (thrown) {
        logger.log('warn', `The ledger of children cannot be written: ${(thrown as Error).message}`, {
          file: filePath,
        });
      }
    });
  };

  return {
    add(pid) {
      writing = writing.then(async () => {
        try {
          const identity = await readIdentity(pid);
          if (identity !== undefined) identities.set(pid, identity);
        } catch (thrown) {
          logger.log(
            'warn',
            `Process ${pid} cannot be entered in the ledger of children: ${(thrown as Error).message}`,
          );
        }
      });
      save();
    },
    remove(pid) {
      writing = writing.then(() => {
        identities.delete(pid);
      });
      save();
    },
    async close() {
      await writing;
      if (identities.size === 0) await rm(filePath, { force: true });
    },
  };
}

async function sweep(filePath: string, readIdentity: ReadProcessIdentity, logger: Logger): Promise<void> {
  let text: string;
  try {
    text = await readFile(filePath, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw thrown;
  }
  const entries = ledgerSchema.safeParse(safeJson(text));
  if (!entries.success) {
    logger.log('warn', 'The ledger of children is unreadable and is begun anew; no process was touched', {
      file: filePath,
    });
    return;
  }
  const ours: number[] = [];
  for (const { pid, identity } of entries.data) {
    if ((await readIdentity(pid)) === identity) ours.push(pid);
  }
  if (ours.length === 0) return;
  logger.log('warn', `Ending ${ours.length} model processes that an earlier run left behind`, { pids: ours.join(',') });
  for (const pid of ours) signalGroup(pid, 'SIGTERM');
  for (let waited = 0; waited < 10 && ours.some((pid) => signalGroup(pid, 0)); waited += 1) {
    await pause(100);
  }
  for (const pid of ours) signalGroup(pid, 'SIGKILL');
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Reported by the caller, whose schema refuses it.
  }
}
