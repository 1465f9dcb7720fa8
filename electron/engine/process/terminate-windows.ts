import { execFile } from 'node:child_process';

/**
 * Ends a process tree on Windows, where there are no process groups to signal: `taskkill /T` walks it. Without `isForced`
 * only programs with a message loop hear of it, so the caller follows up with force. Resolves once taskkill has ended; a
 * tree that is gone already is no error.
 */
export function killTree(pid: number, { isForced }: { isForced: boolean }): Promise<void> {
  const args = ['/PID', String(pid), '/T', ...(isForced ? ['/F'] : [])];
  return new Promise((resolve) => {
    // The outcome is judged by the process's own exit event, not by taskkill's exit code.
    execFile('taskkill', args, { windowsHide: true, timeout: 5000 }, () => resolve());
  });
}
