import type { DeviceReading, MemoryProbe } from '../../../../electron/engine/ports/memory-probe.ts';

export type Answer = readonly DeviceReading[] | Error | 'hangs';

export interface ScriptedProbe extends MemoryProbe {
  /** What it answers from now on. */
  answer: Answer;
  /** How often it was asked. */
  readonly askedCount: number;
  /** Ends a question that hangs. */
  settle(answer: readonly DeviceReading[] | Error): void;
  /** The signal of the last question. */
  readonly lastSignal: AbortSignal | undefined;
}

export function createScriptedProbe(name: string, answer: Answer): ScriptedProbe {
  let askedCount = 0;
  let lastSignal: AbortSignal | undefined;
  let settleLast: ((answer: readonly DeviceReading[] | Error) => void) | undefined;
  const probe: ScriptedProbe = {
    name,
    answer,
    get askedCount() {
      return askedCount;
    },
    get lastSignal() {
      return lastSignal;
    },
    settle: (late) => settleLast?.(late),
    read(signal) {
      askedCount += 1;
      lastSignal = signal;
      if (probe.answer instanceof Error) return Promise.reject(probe.answer);
      if (probe.answer !== 'hangs') return Promise.resolve(probe.answer);
      return new Promise((resolve, reject) => {
        settleLast = (late) => (late instanceof Error ? reject(late) : resolve(late));
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    },
  };
  return probe;
}
