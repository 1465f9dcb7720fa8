import type { ChildProcess } from 'node:child_process';
import { signalGroup } from '../process/terminate-posix.ts';

/** A tool leads a process group of its own, so that what a wrapper script started ends with it. */
export const posixToolProcess = {
  isDetached: true,
  end(child: ChildProcess): void {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  },
};
