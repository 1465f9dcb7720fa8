/** Which endpoint of a pool a request goes to. Pure. */

/** `loading`: it is there and asks for patience; `unknown`: not checked yet. */
export type EndpointHealth = 'unknown' | 'healthy' | 'loading' | 'down';

export interface EndpointFacts {
  readonly key: string;
  readonly health: EndpointHealth;
  /** It refused a request lately and said, or was given, a time to be left alone. */
  readonly isResting: boolean;
  /** It has the model and would have to load it first. */
  readonly isCold: boolean;
  readonly runningRequests: number;
  /** Requests it gets at once; undefined: no limit. */
  readonly concurrency: number | undefined;
  /** Rises with each choice; 0: never chosen. Of equals the one that was chosen longest ago is next. */
  readonly lastChosen: number;
}

export type EndpointDecision =
  | {
      readonly kind: 'use';
      readonly key: string;
      /** Another one could be tried if it refuses. */ readonly hasOther: boolean;
    }
  /** All that are worth it have as many requests as they may. */
  | { readonly kind: 'wait' }
  /** All were tried. */
  | { readonly kind: 'none' };

/** A load takes about as long as this many requests; with so many more of them, a second machine may as well load it. */
const COLD_COSTS_REQUESTS = 2;

/**
 * The user's own endpoint if it is well and has room; else of those in the best state the one with the least to do, one that
 * would have to load the model first counting as busier than it is. Endpoints that are down are asked when nobody else is
 * left, since they may be back. Nobody waits for a worse one while a better one is only busy.
 */
export function decideEndpoint(
  endpoints: readonly EndpointFacts[],
  { stickyKey, tried }: { readonly stickyKey?: string | undefined; readonly tried?: ReadonlySet<string> } = {},
): EndpointDecision {
  const left = endpoints.filter(({ key }) => tried?.has(key) !== true);
  const hasOther = left.filter((endpoint) => rank(endpoint) < LAST_RANK).length > 1;
  const own = left.find(({ key }) => key === stickyKey);
  if (own !== undefined && rank(own) === 0 && hasRoom(own)) return { kind: 'use', key: own.key, hasOther };

  let isAnyBusy = false;
  for (const ofRank of RANKS) {
    const candidates = left.filter((endpoint) => rank(endpoint) === ofRank);
    const [best] = candidates.filter(hasRoom).toSorted((one, other) => compareLoad(one, other, candidates));
    if (best !== undefined) return { kind: 'use', key: best.key, hasOther };
    isAnyBusy ||= candidates.length > 0;
    if (isAnyBusy && ofRank > 0) break;
  }
  return { kind: isAnyBusy ? 'wait' : 'none' };
}

const LAST_RANK = 3;
const RANKS: readonly number[] = [0, 1, 2, LAST_RANK];

function rank({ health, isResting }: EndpointFacts): number {
  if (health === 'down') return LAST_RANK;
  if (health === 'loading' || isResting) return 2;
  return health === 'healthy' ? 0 : 1;
}

function hasRoom({ runningRequests, concurrency }: EndpointFacts): boolean {
  return concurrency === undefined || runningRequests < concurrency;
}

function compareLoad(one: EndpointFacts, other: EndpointFacts, all: readonly EndpointFacts[]): number {
  // One without a limit counts as large as the largest that has one.
  const largest = Math.max(1, ...all.map(({ concurrency }) => concurrency ?? 1));
  const load = ({ runningRequests, isCold, concurrency }: EndpointFacts): number =>
    (runningRequests + (isCold ? COLD_COSTS_REQUESTS : 0)) / (concurrency ?? largest);
  return load(one) - load(other) || one.lastChosen - other.lastChosen;
}
