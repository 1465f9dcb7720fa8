import type { ChildProcess } from 'node:child_process';
import { killTree } from '../process/terminate-windows.ts';

/** Not detached: it stays in the job that ends with the app. */
export const windowsToolProcess = {
  isDetached: false,
  end(child: ChildProcess): void {
    if (child.pid !== undefined) void killTree(child.pid, { isForced: true });
  },
};
