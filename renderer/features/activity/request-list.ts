import type { RequestRecord } from '#shared/contract/request-record.ts';

/** Which requests are shown, and what they come to. Pure. */

/** A record with a name of its own: those that were refused before they got one have an empty id. */
export interface ListedRequest extends RequestRecord {
  readonly key: string;
}

/** Newest first, as they are answered; counted from the oldest, so that a key stays when others come. */
export function nameRequests(requests: readonly RequestRecord[]): readonly ListedRequest[] {
  const counts = new Map<string, number>();
  return requests
    .toReversed()
    .map((request) => {
      const name = `${request.at} ${request.id}`;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return { ...request, key: `${name} ${count}` };
    })
    .toReversed();
}

/** As they were recorded. */
export function formatJson(requests: readonly RequestRecord[] | RequestRecord): string {
  return JSON.stringify(requests, (name, value: unknown) => (name === 'key' ? undefined : value), 2);
}

export interface RequestFilter {
  /** Empty: all of them. */
  readonly model: string;
  readonly lane: string;
  readonly isProblemsOnly: boolean;
  /** Looked for in everything a row says, whatever the case. */
  readonly text: string;
}

export const noFilter: RequestFilter = { model: '', lane: '', isProblemsOnly: false, text: '' };

/** A request that did not get what it asked for, whoever is to blame. */
export function isProblem({ endedBy, status, errorCode }: RequestRecord): boolean {
  return endedBy !== 'model' || errorCode !== null || status === null || status >= 400;
}

export function filterRequests<Request extends RequestRecord>(
  requests: readonly Request[],
  filter: RequestFilter,
): readonly Request[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return requests.filter((request) => {
    if (filter.model !== '' && request.modelId !== filter.model) return false;
    if (filter.lane !== '' && request.lane !== filter.lane) return false;
    if (filter.isProblemsOnly && !isProblem(request)) return false;
    if (words.length === 0) return true;
    const { id, modelId, lane, route, status, errorCode } = request;
    const text = [id, modelId, lane, route, status, describeEnd(request), errorCode].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export interface RequestSummary {
  readonly count: number;
  readonly problems: number;
  readonly medianTtftMs: number | undefined;
  readonly p95TtftMs: number | undefined;
  readonly medianTokensPerSecond: number | undefined;
  readonly completionTokens: number;
}

export function summariseRequests(requests: readonly RequestRecord[]): RequestSummary {
  const ttfts = known(requests.map(({ ttftMs }) => ttftMs));
  return {
    count: requests.length,
    problems: requests.filter(isProblem).length,
    medianTtftMs: percentile(ttfts, 0.5),
    p95TtftMs: percentile(ttfts, 0.95),
    medianTokensPerSecond: percentile(known(requests.map(({ tokensPerSecond }) => tokensPerSecond)), 0.5),
    completionTokens: known(requests.map(({ completionTokens }) => completionTokens)).reduce(
      (sum, each) => sum + each,
      0,
    ),
  };
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** The smallest value that at least this share of them does not exceed (nearest rank); undefined of nothing. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Who ended it, in words. */
export function describeEnd({ endedBy, status }: RequestRecord): string {
  switch (endedBy) {
    case 'model':
      return status !== null && status >= 400 ? 'refused by the model' : 'answered whole';
    case 'client':
      return 'the client went away';
    case 'corral':
      return 'ended by Corral';
    case 'crash':
      return 'the model’s process broke off';
  }
}

/** What occurs, in alphabetical order, for a list to choose from. */
export function distinct(
  requests: readonly RequestRecord[],
  of: (request: RequestRecord) => string,
): readonly string[] {
  return [...new Set(requests.map(of))].sort();
}

export interface TimeBuckets {
  /** Seconds since 1970 at which each begins. */
  readonly startsS: readonly number[];
  readonly answered: readonly number[];
  readonly problems: readonly number[];
  readonly widthMs: number;
}

const BUCKET_WIDTHS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

/** How many ended well and how many did not, in equal spans of time from the first to the last request. */
export function bucketRequests(requests: readonly RequestRecord[], maxBuckets: number): TimeBuckets {
  const times = requests.map(({ at }) => at);
  const first = Math.min(...times);
  const last = Math.max(...times);
  if (requests.length === 0) return { startsS: [], answered: [], problems: [], widthMs: 1000 };
  const widest = BUCKET_WIDTHS_MS.at(-1) ?? 86_400_000;
  const fitting = BUCKET_WIDTHS_MS.find((width) => (last - first) / width < maxBuckets - 1);
  const widthMs = fitting ?? Math.ceil((last - first) / (maxBuckets - 1) / widest) * widest;
  const start = Math.floor(first / widthMs);
  const count = Math.floor(last / widthMs) - start + 1;
  const answered = new Array<number>(count).fill(0);
  const problems = new Array<number>(count).fill(0);
  for (const request of requests) {
    const bucket = Math.floor(request.at / widthMs) - start;
    const row = isProblem(request) ? problems : answered;
    row[bucket] = (row[bucket] ?? 0) + 1;
  }
  const startsS = answered.map((_, index) => ((start + index) * widthMs) / 1000);
  return { startsS, answered, problems, widthMs };
}
