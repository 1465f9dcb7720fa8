import { constants } from 'node:os';

/** The part of `process` that tells of signals and defects. */
export interface ProcessEvents {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** What asks a process to end: Ctrl-C, a service manager, the terminal that is closed. */
export const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type EndSignal = (typeof endSignals)[number];

/** Calls back at each of the signals instead of letting them end the process. Returns the function that ends that. */
export function onEndSignals(events: ProcessEvents, listener: (signal: EndSignal) => void): () => void {
  const registered = endSignals.map((signal) => ({ signal, handle: () => listener(signal) }));
  for (const { signal, handle } of registered) events.on(signal, handle);
  return () => {
    for (const { signal, handle } of registered) events.off(signal, handle);
  };
}

/** The exit code shells know an interrupted program by: 130 for SIGINT. */
export function interruptedExitCode(signal: EndSignal): number {
  return 128 + constants.signals[signal];
}
