/** Lets a number of things happen at once; the others wait in order. */
export interface Slots {
  /** Runs the work once there is room. Rejects with the signal's reason if that aborts before. */
  run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

export function createSlots(limit: () => number): Slots {
  let running = 0;
  const waiting: (() => void)[] = [];

  function admit(): void {
    while (running < limit() && waiting.length > 0) {
      running += 1;
      waiting.shift()?.();
    }
  }

  return {
    async run(work, signal) {
      await new Promise<void>((resolve, reject) => {
        signal.throwIfAborted();
        const enter = (): void => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const leave = (): void => {
          const at = waiting.indexOf(enter);
          if (at !== -1) waiting.splice(at, 1);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', leave, { once: true });
        waiting.push(enter);
        admit();
      });
      try {
        return await work();
      } finally {
        running -= 1;
        admit();
      }
    },
  };
}
