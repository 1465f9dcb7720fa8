import { orAborted } from '#shared/lib/or-aborted.ts';
import { parseLogLine, type LogFact } from '../llama/log-lines.ts';
import type { Clock } from '../ports/clock.ts';
import type { Launch } from './launch.ts';
import { watchReadiness, type HealthAnswer } from './readiness.ts';

export interface StartWatch {
  /** A line that the process says while it loads. */
  hear(text: string): void;
  /**
   * Resolves once requests can come, with the health check's answer if that is what was waited for; rejects with the
   * signal's reason. `running` resolves once the program runs, or after the signal where it cannot be run at all.
   */
  ready(running: Promise<unknown>): Promise<HealthAnswer | undefined>;
}

/** Tells when a process that was spawned is ready: by its health path, by a line it says, or by merely running. */
export function createStartWatch(
  { listen, apiKey, healthPath, readyPattern }: Pick<Launch, 'listen' | 'apiKey' | 'healthPath' | 'readyPattern'>,
  options: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    onLogFact(fact: LogFact): void;
    /** Its health check is answered, if only with a refusal. */
    onAnswer(): void;
  },
): StartWatch {
  const { clock, signal, onLogFact, onAnswer } = options;
  let seePattern: () => void = () => undefined;
  const patternSeen = new Promise<void>((resolve) => (seePattern = resolve));
  let nudge: (() => void) | undefined;
  return {
    hear(text) {
      if (readyPattern?.test(text) === true) seePattern();
      const fact = parseLogLine(text);
      if (fact === undefined) return;
      onLogFact(fact);
      if (fact.kind === 'ready') nudge?.();
    },
    async ready(running) {
      if (healthPath !== undefined) {
        const watch = watchReadiness({ listen, path: healthPath, apiKey, clock, signal, onAnswer });
        nudge = watch.nudge;
        return await watch.ready;
      }
      // Without a pattern there is nothing to wait for but that the program can be run at all.
      await orAborted(readyPattern === undefined ? running : patternSeen, signal);
      return undefined;
    },
  };
}
