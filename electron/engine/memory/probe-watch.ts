import { toAppError } from '#shared/contract/errors.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { DeviceReading, MemoryProbe } from '../ports/memory-probe.ts';
import type { ProbedDevice } from './merge-devices.ts';

/** How long a reading waits for one probe. Longer than most tools ever take; who waits for room waits no longer for them. */
const PATIENCE_MS = 6000;
/** A tool or a device that is not there is looked for again this often. */
const ABSENT_RETRY_MS = 60_000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

export interface ProbeProblem {
  readonly probe: string;
  /** What failed and what to do about it. */
  readonly message: string;
  /** When it began, on the monotonic clock. */
  readonly sinceMs: number;
}

/** One probe through good and bad times: its last good reading, and why there is no newer one. */
export interface ProbeWatch {
  readonly name: string;
  /** What it told last; stale if it has failed since. */
  devices(): readonly ProbedDevice[];
  problem(): ProbeProblem | undefined;
  /**
   * Asks the probe, unless it is not to be asked yet: it is still at an earlier question, failed lately, or had nothing.
   * Resolves when it has answered, or after six seconds without; the answer counts when it comes. Never rejects.
   */
  refresh(): Promise<void>;
  /** Drops what is known; a question that is under way no longer counts. */
  forget(): void;
  /** Resolves when no question is under way. */
  settled(): Promise<void>;
}

export interface ProbeWatchOptions {
  readonly clock: Clock;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  readonly patienceMs?: number;
}

export function createProbeWatch(probe: MemoryProbe, options: ProbeWatchOptions): ProbeWatch {
  const { clock, signal, patienceMs = PATIENCE_MS } = options;
  let readings: readonly DeviceReading[] = [];
  let readAtMs = 0;
  let problem: ProbeProblem | undefined;
  let failureCount = 0;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  let isMissing = false;
  let pending: Promise<void> | undefined;
  let generation = 0;

  function report(message: string): void {
    problem = { probe: probe.name, message, sinceMs: problem?.sinceMs ?? clock.nowMs() };
  }

  function onReadings(found: readonly DeviceReading[], askedAtMs: number): void {
    failureCount = 0;
    if (found.length === 0) {
      retryAtMs = clock.nowMs() + ABSENT_RETRY_MS;
      // The first time a driver may be changing under us; the second time they are gone.
      if (readings.length > 0 && !isMissing) {
        isMissing = true;
        report(`${probe.name} no longer tells of the devices it told of before. Is the driver being updated?`);
        return;
      }
    } else retryAtMs = Number.NEGATIVE_INFINITY;
    readings = found;
    readAtMs = askedAtMs;
    isMissing = false;
    problem = undefined;
  }

  function onFailure(error: unknown): void {
    failureCount += 1;
    retryAtMs = clock.nowMs() + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failureCount - 1));
    report(toAppError(error).message);
  }

  function ask(): Promise<void> {
    const askedAtMs = clock.nowMs();
    const ofGeneration = generation;
    const question = Promise.resolve()
      .then(() => probe.read(signal))
      .then(
        (found) => {
          if (ofGeneration === generation && !signal.aborted) onReadings(found, askedAtMs);
        },
        (error: unknown) => {
          if (ofGeneration === generation && !signal.aborted) onFailure(error);
        },
      )
      .finally(() => {
        if (pending === question) pending = undefined;
      });
    return question;
  }

  return {
    name: probe.name,
    devices: () =>
      readings.map((reading) => ({
        ...reading,
        probe: probe.name,
        readAtMs,
        isStale: problem !== undefined,
        problem: problem?.message,
      })),
    problem: () => problem,
    async refresh() {
      if (pending !== undefined || signal.aborted || clock.nowMs() < retryAtMs) return;
      const ofGeneration = generation;
      pending = ask();
      const isAnswered = await within(pending, patienceMs, clock);
      if (!isAnswered && ofGeneration === generation) {
        report(`${probe.name} has not answered for ${Math.round(patienceMs / 1000)} s; often the GPU driver hangs.`);
      }
    },
    forget() {
      generation += 1;
      readings = [];
      problem = undefined;
      failureCount = 0;
      isMissing = false;
      retryAtMs = Number.NEGATIVE_INFINITY;
      pending = undefined;
    },
    settled: () => pending ?? Promise.resolve(),
  };
}

/** Whether it settled in time. `work` does not reject. */
export function within(work: Promise<unknown>, limitMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const timer: Timer = clock.setTimer(limitMs, () => resolve(false));
    void work.then(() => {
      timer.cancel();
      resolve(true);
    });
  });
}
