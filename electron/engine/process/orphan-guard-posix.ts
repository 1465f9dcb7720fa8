import { spawn, type ChildProcess } from 'node:child_process';
import type { Logger } from '../ports/logger.ts';
import { signalGroup } from './terminate-posix.ts';

/**
 * Reads `+ GROUP` and `- GROUP` lines until its input ends, which happens however the app dies, since the kernel closes
 * the other end of the pipe. Then it ends the groups that are still listed: politely, and a second later for good.
 */
const GUARD_SCRIPT = `
trap '' HUP INT TERM PIPE
groups=
while read -r action group; do
  case "$action" in
    +) groups="$groups $group" ;;
    -) kept=
       for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done
       groups=$kept ;;
  esac
done
[ -n "$groups" ] || exit 0
for each in $groups; do kill -s TERM -- "-$each" 2>/dev/null; done
sleep 1
for each in $groups; do kill -s KILL -- "-$each" 2>/dev/null; done
exit 0
`;

const MAX_RESTARTS = 20;
const CLOSE_TIMEOUT_MS = 2000;

export interface OrphanGuard {
  add(groupId: number): void;
  remove(groupId: number): void;
  /** Lets the guard go; groups still listed are ended by it. */
  close(): Promise<void>;
}

/**
 * Sees to it that no child outlives the app, even when the app is killed with SIGKILL. Needs `/bin/sh` and nothing else.
 * A guard that is killed itself is replaced at once and told of all living groups again.
 */
export function createOrphanGuard(logger: Logger): OrphanGuard {
  const groups = new Set<number>();
  let isClosing = false;
  let restarts = 0;
  let guard = start();

  function start(): ChildProcess {
    const shell = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'corral-guard'], {
      // A group and session of its own: what ends the app's group must not end its guard.
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
    });
    shell.unref();
    shell.stdin.on('error', () => undefined); // Its exit is what counts and is handled below.
    shell.once('error', (error) => {
      logger.log('error', `No guard against orphaned models: /bin/sh cannot be started (${error.message})`);
    });
    shell.once('exit', () => {
      if (isClosing) return;
      restarts += 1;
      if (restarts > MAX_RESTARTS) {
        logger.log(
          'error',
          'The guard against orphaned models keeps ending; models may outlive Corral if it is killed',
        );
        return;
      }
      logger.log('warn', 'The guard against orphaned models was ended from outside; starting another');
      guard = start();
      for (const groupId of groups) guard.stdin?.write(`+ ${groupId}\n`);
    });
    return shell;
  }

  return {
    add(groupId) {
      groups.add(groupId);
      guard.stdin?.write(`+ ${groupId}\n`);
    },
    remove(groupId) {
      if (groups.delete(groupId)) guard.stdin?.write(`- ${groupId}\n`);
    },
    close() {
      isClosing = true;
      return new Promise((resolve) => {
        if (guard.exitCode !== null || guard.signalCode !== null) {
          resolve();
          return;
        }
        const { pid } = guard;
        // One that was stopped (SIGSTOP) would never hear of the end.
        const timer = setTimeout(() => {
          if (pid !== undefined) signalGroup(pid, 'SIGKILL');
          resolve();
        }, CLOSE_TIMEOUT_MS);
        guard.once('exit', () => {
          clearTimeout(timer);
          resolve();
        });
        guard.stdin?.end();
      });
    },
  };
}
