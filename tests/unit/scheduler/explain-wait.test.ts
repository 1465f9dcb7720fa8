import { describe, expect, it } from 'vitest';
import { NO_BYTES } from '../../../electron/engine/memory/device-facts.ts';
import { explainWait, type WaitExplanationFacts } from '../../../electron/engine/scheduler/explain-wait.ts';

const facts: WaitExplanationFacts = {
  modelId: 'qwen',
  lane: 'editor',
  waitsFor: 'slot',
  model: { state: 'ready', activeRequests: 2, concurrency: 2 },
  detail: null,
  loadProgress: null,
  startsInMs: 0,
  laneRunning: 1,
  laneLimit: 1,
  others: [],
};
const off = { state: 'off', activeRequests: 0, concurrency: 2 } as const;

describe('why a request waits', () => {
  const cases: readonly [string, Partial<WaitExplanationFacts>][] = [
    ['slot of qwen: 2 of 2 busy', {}],
    ['lane editor: 1 of 1 running', { waitsFor: 'lane' }],
    ['qwen is starting', { waitsFor: 'load', model: { ...off, state: 'starting' } }],
    [
      'qwen is starting: llama-server is being fetched',
      { waitsFor: 'load', model: { ...off, state: 'starting' }, detail: 'llama-server is being fetched' },
    ],
    ['qwen is loading', { waitsFor: 'load', model: { ...off, state: 'loading' } }],
    ['qwen is loading (40%)', { waitsFor: 'load', model: { ...off, state: 'loading' }, loadProgress: 0.409 }],
    ['qwen is loading (99%)', { waitsFor: 'load', model: { ...off, state: 'loading' }, loadProgress: 1 }],
    [
      'room: big, small busy',
      {
        waitsFor: 'room',
        model: off,
        others: [
          { id: 'big', state: 'ready', activeRequests: 3, reserved: NO_BYTES },
          { id: 'idle', state: 'ready', activeRequests: 0, reserved: NO_BYTES },
          { id: 'small', state: 'draining', activeRequests: 1, reserved: NO_BYTES },
        ],
      },
    ],
    [
      'room: old is being unloaded',
      {
        waitsFor: 'room',
        model: off,
        others: [
          { id: 'big', state: 'ready', activeRequests: 3, reserved: NO_BYTES },
          { id: 'old', state: 'stopping', activeRequests: 0, reserved: NO_BYTES },
        ],
      },
    ],
    ['room: others are first', { waitsFor: 'room', model: off }],
    ['room: another model has waited longer for that of qwen', { waitsFor: 'room' }],
    ['qwen failed; its next start is in 2.0 s', { waitsFor: 'restart-delay', model: off, startsInMs: 2000 }],
    ['qwen is being unloaded and comes back', { waitsFor: 'eject', model: { ...off, state: 'stopping' } }],
  ];

  it.each(cases)('%s', (expected, changes) => {
    expect(explainWait({ ...facts, ...changes })).toBe(expected);
  });
});
