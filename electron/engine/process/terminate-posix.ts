/** Sends a signal to a whole process group (0 only asks); false if nobody is left in it. POSIX only. */
export function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === 'ESRCH') return false;
    // macOS answers EPERM for a group of which only zombies are left.
    if (code === 'EPERM') return false;
    throw thrown;
  }
}
