import type { ModelState } from '#shared/model/model-state.ts';

/** What can happen to a model's process. */
export type ProcessEvent =
  | 'start-requested'
  | 'start-refused'
  | 'spawned'
  | 'port-lost'
  | 'became-ready'
  | 'drain-requested'
  | 'drain-cancelled'
  | 'stop-requested'
  | 'exited'
  | 'gave-up'
  | 'reset';

/**
 * The life of a model's process, whole. `start-refused` is a start that ended before a process existed (file missing,
 * no llama-server, abandoned): it costs nothing and counts against no budget. `port-lost` is a start that goes on with
 * another port. `exited` in any state but `stopping` is an exit nobody asked for.
 */
const transitions: Readonly<Record<ModelState, Readonly<Partial<Record<ProcessEvent, ModelState>>>>> = {
  off: { 'start-requested': 'starting' },
  starting: { spawned: 'loading', 'start-refused': 'off' },
  loading: { 'became-ready': 'ready', 'port-lost': 'starting', 'stop-requested': 'stopping', exited: 'crashed' },
  ready: { 'drain-requested': 'draining', 'stop-requested': 'stopping', exited: 'crashed' },
  draining: { 'drain-cancelled': 'ready', 'stop-requested': 'stopping', exited: 'crashed' },
  stopping: { exited: 'off' },
  crashed: { 'start-requested': 'starting', 'gave-up': 'failed', reset: 'off' },
  failed: { reset: 'off' },
};

/** The state after an event, or undefined where the event cannot happen. Pure. */
export function nextState(state: ModelState, event: ProcessEvent): ModelState | undefined {
  return transitions[state][event];
}
