import type { ModelView } from '#shared/contract/snapshot.ts';

/** What became of each model's processes, heard event by event. */

export interface FailedModel {
  readonly model: string;
  readonly attempts: number;
  readonly error: string;
}

export interface ModelHistory {
  observe(model: ModelView): void;
  /** Starts or runs that ended badly, since it last was ready or was reset. */
  attempts(modelId: string): number;
  failed(): FailedModel[];
  /** What failed last, or undefined. */
  forget(modelId: string): string | undefined;
  /** Ready, of the time it was to be; per cent. */
  uptimePercentage(modelId: string, nowMs: number): number;
  /** Since Corral's start. */
  loads(): number;
  ejects(): number;
}

interface Past {
  state: ModelView['state'];
  sinceMs: number;
  upMs: number;
  downMs: number;
  attempts: number;
  error: string;
}

const downStates: ReadonlySet<ModelView['state']> = new Set(['crashed', 'failed']);

export function createModelHistory(): ModelHistory {
  const pasts = new Map<string, Past>();
  let loads = 0;
  let ejects = 0;

  function timesAt(past: Past, nowMs: number): { upMs: number; downMs: number } {
    const elapsedMs = Math.max(0, nowMs - past.sinceMs);
    return {
      upMs: past.upMs + (past.state === 'ready' ? elapsedMs : 0),
      downMs: past.downMs + (downStates.has(past.state) ? elapsedMs : 0),
    };
  }

  return {
    observe({ id, state, stateSince, problem, lastExit }) {
      // A start that fails before there is a process ends where it began.
      const isFailure = downStates.has(state) || (state === 'off' && problem !== null);
      const past = pasts.get(id) ?? { state: 'off', sinceMs: stateSince, upMs: 0, downMs: 0, attempts: 0, error: '' };
      pasts.set(id, past);
      if (past.state === state && past.sinceMs === stateSince) return;
      Object.assign(past, timesAt(past, stateSince));
      if (state === 'ready') {
        if (past.state !== 'ready') loads += 1;
        past.attempts = 0;
      } else if (isFailure && !(state === 'failed' && past.state === 'crashed')) {
        past.attempts += 1;
      } else if (state === 'off' && past.state !== 'off' && lastExit?.askedBy === 'eject') ejects += 1;
      if (problem !== null && isFailure) past.error = problem.message;
      past.state = state;
      past.sinceMs = stateSince;
    },
    attempts: (modelId) => pasts.get(modelId)?.attempts ?? 0,
    failed: () =>
      [...pasts].flatMap(([model, { attempts, error }]) => (attempts > 0 ? [{ model, attempts, error }] : [])),
    forget(modelId) {
      const past = pasts.get(modelId);
      if (past === undefined || past.attempts === 0) return undefined;
      past.attempts = 0;
      return past.error;
    },
    uptimePercentage(modelId, nowMs) {
      const past = pasts.get(modelId);
      if (past === undefined) return 0;
      const { upMs, downMs } = timesAt(past, nowMs);
      if (upMs + downMs === 0) return past.state === 'ready' ? 100 : 0;
      return Math.round((upMs / (upMs + downMs)) * 10_000) / 100;
    },
    loads: () => loads,
    ejects: () => ejects,
  };
}
