import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelStates, type ModelState } from '#shared/model/model-state.ts';
import { nextState, type ProcessEvent } from '../../../electron/engine/process/process-state.ts';

const events: readonly ProcessEvent[] = [
  'start-requested',
  'start-refused',
  'spawned',
  'port-lost',
  'became-ready',
  'drain-requested',
  'drain-cancelled',
  'stop-requested',
  'exited',
  'gave-up',
  'reset',
];

/** Every cell that leads somewhere, written down a second time and by hand. */
const allowed: readonly (readonly [ModelState, ProcessEvent, ModelState])[] = [
  ['off', 'start-requested', 'starting'],
  ['starting', 'spawned', 'loading'],
  ['starting', 'start-refused', 'off'],
  ['loading', 'became-ready', 'ready'],
  ['loading', 'port-lost', 'starting'],
  ['loading', 'stop-requested', 'stopping'],
  ['loading', 'exited', 'crashed'],
  ['ready', 'drain-requested', 'draining'],
  ['ready', 'stop-requested', 'stopping'],
  ['ready', 'exited', 'crashed'],
  ['draining', 'drain-cancelled', 'ready'],
  ['draining', 'stop-requested', 'stopping'],
  ['draining', 'exited', 'crashed'],
  ['stopping', 'exited', 'off'],
  ['crashed', 'start-requested', 'starting'],
  ['crashed', 'gave-up', 'failed'],
  ['crashed', 'reset', 'off'],
  ['failed', 'reset', 'off'],
];

const cells = modelStates.flatMap((state) =>
  events.map((event) => {
    const target = allowed.find(([from, what]) => from === state && what === event)?.[2];
    return { state, event, target };
  }),
);

describe('the life of a process', () => {
  it.each(cells)('$state + $event → $target', ({ state, event, target }) => {
    expect(nextState(state, event)).toBe(target);
  });

  it('leaves no state without a way out', () => {
    for (const state of modelStates)
      expect(
        allowed.some(([from]) => from === state),
        state,
      ).toBe(true);
  });

  it('has a process only between spawned and exited, in whatever order events come', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (sequence) => {
        let state: ModelState = 'off';
        let hasProcess = false;
        for (const event of sequence) {
          const next = nextState(state, event);
          if (next === undefined) continue;
          if (event === 'spawned') hasProcess = true;
          // A lost port is the exit of the process that could not bind it.
          if (event === 'exited' || event === 'port-lost') hasProcess = false;
          state = next;
          expect(hasProcess).toBe(['loading', 'ready', 'draining', 'stopping'].includes(state));
        }
      }),
    );
  });
});
