import type { Clock, Timer } from '../ports/clock.ts';

/**
 * Does something every `intervalMs` in which it is wanted, one at a time, until the returned function is called. `act` never
 * rejects; it is told whether it has been ended meanwhile.
 */
export function repeatWhileWanted(options: {
  readonly clock: Clock;
  readonly intervalMs: number;
  isWanted(): boolean;
  act(isEnded: () => boolean): Promise<void>;
}): () => void {
  const { clock, intervalMs } = options;
  let isEnded = false;
  let timer: Timer = clock.setTimer(intervalMs, () => void round());

  async function round(): Promise<void> {
    if (options.isWanted()) await options.act(() => isEnded);
    if (!isEnded) timer = clock.setTimer(intervalMs, () => void round());
  }

  return () => {
    isEnded = true;
    timer.cancel();
  };
}
