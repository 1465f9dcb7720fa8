import { create } from 'zustand';
import type { BridgeUpdate } from '#shared/contract/bridge.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { parsePlace, type Place } from './pages.ts';

export type Connection =
  | { readonly status: 'connecting' }
  | { readonly status: 'live' }
  /** The last snapshot stays on screen, with its age. */
  | { readonly status: 'lost'; readonly since: number; readonly reason: string }
  /** Only in a browser: the page has no token, or one that is no longer good. */
  | { readonly status: 'locked' };

export interface Notice {
  readonly id: number;
  readonly kind: 'done' | 'trouble';
  readonly text: string;
  /** What takes it back, or mends it. */
  readonly action: { readonly label: string; run(): void } | undefined;
}

export interface AppState {
  readonly connection: Connection;
  /** All that is shown of the engine; undefined until the first one arrives. */
  readonly snapshot: Snapshot | undefined;
  /** When the snapshot was brought up to date last. */
  readonly updatedAt: number;
  /** When the queue came as it is: expected waits count from then. */
  readonly queueAt: number;
  /** The last line number each log is known to have. */
  readonly lastLogLines: ReadonlyMap<string, number>;
  /** Requests that ended since Corral started, as far as was heard; a change means there is more to fetch. */
  readonly recordedRequests: number;
  readonly place: Place;
  readonly notices: readonly Notice[];
}

export const useAppStore = create<AppState>(() => ({
  connection: { status: 'connecting' },
  snapshot: undefined,
  updatedAt: 0,
  queueAt: 0,
  lastLogLines: new Map<string, number>(),
  recordedRequests: 0,
  place: parsePlace(''),
  notices: [],
}));

/** The state after some updates, in their order. */
export function applyUpdates(state: AppState, updates: readonly BridgeUpdate[], now: number): Partial<AppState> {
  const last = updates.at(-1);
  if (last === undefined) return {};
  let { lastLogLines, recordedRequests } = state;
  for (const { event } of updates) {
    if (event === undefined) {
      // Whatever happened meanwhile: logs and requests are fetched again.
      lastLogLines = new Map();
      recordedRequests += 1;
    } else if (event.type === 'log-appended') {
      lastLogLines = new Map(lastLogLines).set(event.source, event.lastLine);
    } else if (event.type === 'requests-recorded') {
      recordedRequests = event.total;
    }
  }
  const queueAt = last.snapshot.queue === state.snapshot?.queue ? state.queueAt : now;
  return {
    connection: { status: 'live' },
    snapshot: last.snapshot,
    updatedAt: now,
    queueAt,
    lastLogLines,
    recordedRequests,
  };
}
