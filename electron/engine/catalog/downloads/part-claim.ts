import { hostname } from 'node:os';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import type { Clock, Timer } from '../../ports/clock.ts';
import { TransientError } from './download-errors.ts';

/** A claim that was not renewed for so long belongs to a process that is gone, whatever now has its number. */
const STALE_AFTER_MS = 60_000;
const RENEW_EVERY_MS = 15_000;

/**
 * Keeps two processes from writing the same part file, such as `corral serve` and a download on the command line: a file
 * beside it with the writer's machine and pid. Throws `TransientError` while another has it; returns what gives it back.
 */
export async function claimPart(part: string, clock: Clock): Promise<() => Promise<void>> {
  const claim = `${part}.claim`;
  for (;;) {
    try {
      const file = await open(claim, 'wx');
      await file.writeFile(`${hostname()} ${process.pid}`);
      await file.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isHeld(claim)) throw new TransientError('another program downloads the same file');
      await rm(claim, { force: true });
    }
  }
  let timer: Timer | undefined;
  const renew = (): void => {
    timer = clock.setTimer(RENEW_EVERY_MS, () => {
      const now = new Date();
      // A claim that cannot be renewed is lost after a while, and the digest still decides.
      utimes(claim, now, now).then(renew, renew);
    });
  };
  renew();
  return async () => {
    timer?.cancel();
    await rm(claim, { force: true });
  };
}

async function isHeld(claim: string): Promise<boolean> {
  try {
    const [host, pid] = (await readFile(claim, 'utf8')).split(' ');
    const ageMs = Date.now() - (await stat(claim)).mtimeMs;
    if (ageMs > STALE_AFTER_MS) return false;
    return host !== hostname() || isAlive(Number(pid));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
