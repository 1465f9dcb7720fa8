import type { ModelFacts } from '../../electron/engine/scheduler/view.ts';

/** What the scheduler sees of a model that is off and about whose memory nothing is known. */
export const plainModelFacts: ModelFacts = {
  id: 'a',
  state: 'off',
  activeRequests: 0,
  concurrency: 1,
  isPinned: false,
  priority: 0,
  lastUsedMs: 0,
  readyAtMs: 0,
  ttlMs: 0,
  nextStartAtMs: 0,
  eject: undefined,
  need: undefined,
  reserved: new Map(),
  clearsIdle: false,
  reloadMs: 0,
};
