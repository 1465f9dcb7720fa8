import { powerMonitor } from 'electron';

/**
 * Hears of sleep and shutdown. Deadlines and health checks run on a monotonic clock and go on by themselves; what was shown
 * before a sleep is old, though, and a system that shuts down does not wait for long.
 */
export function watchPower(options: { onResume(): void; onShutdown(): void; log(line: string): void }): {
  close(): void;
} {
  const onSuspend = (): void => options.log('info The system goes to sleep');
  const onResume = (): void => {
    options.log('info The system woke up');
    options.onResume();
  };
  // Not to be prevented: the child processes end with this one, and the system has its own deadline.
  const onShutdown = (): void => options.onShutdown();
  powerMonitor.on('suspend', onSuspend);
  powerMonitor.on('resume', onResume);
  powerMonitor.on('shutdown', onShutdown);
  return {
    close() {
      powerMonitor.off('suspend', onSuspend);
      powerMonitor.off('resume', onResume);
      powerMonitor.off('shutdown', onShutdown);
    },
  };
}
