import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, unlinkSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface SecondInstance {
  readonly argv: readonly string[];
  readonly workingDirectory: string;
  readonly additionalData: unknown;
}

/**
 * One holder for a folder, over processes. Asking is synchronous in Electron, so this works by files: one that names the
 * holder, and one for each other instance that came by, which the holder watches for.
 */
export function takeSingleInstanceLock(
  userData: string,
  own: SecondInstance,
  onSecondInstance: (other: SecondInstance) => void,
): { readonly release: () => void } | undefined {
  mkdirSync(userData, { recursive: true });
  const lockFile = path.join(userData, 'stand-in.lock');
  const messageFolder = path.join(userData, 'stand-in-messages');
  mkdirSync(messageFolder, { recursive: true });

  if (!claim(lockFile)) {
    const name = path.join(messageFolder, randomUUID());
    // The holder only looks at files that are whole.
    writeFileSync(`${name}.part`, JSON.stringify(own));
    renameSync(`${name}.part`, `${name}.json`);
    return undefined;
  }
  const take = (): void => {
    for (const name of readdirSync(messageFolder).filter((each) => each.endsWith('.json'))) {
      const file = path.join(messageFolder, name);
      const other = JSON.parse(readFileSync(file, 'utf8')) as SecondInstance;
      unlinkSync(file);
      onSecondInstance(other);
    }
  };
  const watcher = watch(messageFolder, take);
  watcher.unref();
  return {
    release() {
      watcher.close();
      rmSync(messageFolder, { recursive: true, force: true });
      rmSync(lockFile, { force: true });
    },
  };
}

function claim(lockFile: string): boolean {
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      return true;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    }
    const holder = Number(readFileSync(lockFile, 'utf8'));
    if (isAlive(holder)) return holder === process.pid;
    rmSync(lockFile, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
