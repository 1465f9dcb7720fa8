import { describe, expect, it } from 'vitest';
import { describeWait } from '../../../electron/shell/describe-wait.ts';
import { modelView, snapshotOf } from '../../fakes/views.ts';

describe('describeWait', () => {
  it.each([
    [[modelView({ state: 'ready', activeRequests: 1 })], '1 running request'],
    [
      [modelView({ state: 'ready', activeRequests: 1 }), modelView({ state: 'ready', activeRequests: 2 })],
      '3 running requests',
    ],
    [[modelView({ state: 'stopping' }), modelView({ state: 'off' })], '1 model to be unloaded'],
    [[modelView({ state: 'draining' }), modelView({ state: 'ready' })], '2 models to be unloaded'],
    [[modelView({ state: 'off' })], 'what it had begun'],
  ])('%#', (models, words) => {
    expect(describeWait(snapshotOf({ models }))).toBe(words);
  });
});
