import type { RequestRecord } from '#shared/contract/request-record.ts';

/** What requests came to since Corral started: by model and by endpoint. */

export interface Figures {
  total: number;
  successful: number;
  failed: number;
  /** Refused before a model got them. */
  rejected: number;
  completionTokens: number;
  promptTokens: number;
  /** Of the newest that were answered, in seconds. */
  durationsSeconds: number[];
}

export interface RequestTally {
  /** Counts what is new in a list of records, newest first. */
  observe(newestFirst: readonly RequestRecord[]): void;
  all(): Readonly<Figures>;
  byModel(): ReadonlyMap<string, Readonly<Figures>>;
  byEndpoint(): ReadonlyMap<string, Readonly<Figures>>;
}

/** Enough for percentiles, and bounded. */
const MAX_DURATIONS = 1000;

/** A request that was turned away rather than tried. */
const rejections: ReadonlySet<string> = new Set([
  'queue-full',
  'queue-timeout',
  'no-room',
  'model-failed',
  'shutting-down',
  'cancelled',
  'game-mode',
]);

export function createRequestTally(): RequestTally {
  const all = emptyFigures();
  const models = new Map<string, Figures>();
  const endpoints = new Map<string, Figures>();
  let newest: RequestRecord | undefined;

  function count(record: RequestRecord): void {
    const of = (map: Map<string, Figures>, key: string): Figures => {
      const figures = map.get(key) ?? emptyFigures();
      map.set(key, figures);
      return figures;
    };
    for (const figures of [all, of(models, record.modelId), of(endpoints, record.route)]) add(figures, record);
  }

  return {
    observe(newestFirst) {
      const known = newest === undefined ? -1 : newestFirst.findIndex((record) => record.id === newest?.id);
      const fresh = known === -1 ? newestFirst : newestFirst.slice(0, known);
      for (const record of fresh.toReversed()) count(record);
      newest = newestFirst[0] ?? newest;
    },
    all: () => all,
    byModel: () => models,
    byEndpoint: () => endpoints,
  };
}

export function emptyFigures(): Figures {
  return {
    total: 0,
    successful: 0,
    failed: 0,
    rejected: 0,
    completionTokens: 0,
    promptTokens: 0,
    durationsSeconds: [],
  };
}

function add(figures: Figures, record: RequestRecord): void {
  figures.total += 1;
  const isSuccess = record.status !== null && record.status < 400 && record.errorCode === null;
  if (isSuccess) figures.successful += 1;
  else figures.failed += 1;
  if (record.errorCode !== null && rejections.has(record.errorCode)) figures.rejected += 1;
  figures.completionTokens += record.completionTokens ?? 0;
  figures.promptTokens += record.promptTokens ?? 0;
  if (!isSuccess) return;
  figures.durationsSeconds.push(record.durationMs / 1000);
  if (figures.durationsSeconds.length > MAX_DURATIONS) figures.durationsSeconds.shift();
}

export function averageOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The smallest value that so much of the rest is not above; 0 of nothing. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
