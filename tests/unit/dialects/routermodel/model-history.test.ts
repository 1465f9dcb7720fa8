import { describe, expect, it } from 'vitest';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { decideWarm } from '../../../../electron/engine/dialects/routermodel/keep-warm.ts';
import {
  createModelHistory,
  type ModelHistory,
} from '../../../../electron/engine/dialects/routermodel/model-history.ts';
import { modelView } from '../../../fakes/views.ts';

const problem = { code: 'start-failed', message: 'no memory' } as const;

function historyOf(...steps: [state: ModelView['state'], atMs: number, changes?: Partial<ModelView>][]): ModelHistory {
  const history = createModelHistory();
  for (const [state, stateSince, changes] of steps) history.observe(modelView({ state, stateSince, ...changes }));
  return history;
}

describe('the history of a model', () => {
  it('counts starts that failed one after the other', () => {
    const history = historyOf(
      ['loading', 1],
      ['crashed', 2, { problem }],
      ['crashed', 2, { problem }],
      ['loading', 3],
      ['crashed', 4, { problem }],
    );
    expect(history.attempts('qwen3')).toBe(2);
    expect(history.failed()).toEqual([{ model: 'qwen3', attempts: 2, error: 'no memory' }]);
  });

  it('takes being given up for the last failure, not for one more', () => {
    expect(historyOf(['loading', 1], ['crashed', 2, { problem }], ['failed', 2, { problem }]).attempts('qwen3')).toBe(
      1,
    );
  });

  it('counts starts that failed before there was a process', () => {
    const history = historyOf(
      ['starting', 1],
      ['off', 2, { problem }],
      ['off', 2, { problem }],
      ['off', 4, { problem }],
    );
    expect(history.failed()).toEqual([{ model: 'qwen3', attempts: 2, error: 'no memory' }]);
  });

  it('forgets failures once the model is ready, or is reset', () => {
    expect(historyOf(['crashed', 2, { problem }], ['ready', 3]).attempts('qwen3')).toBe(0);
    const history = historyOf(['crashed', 2, { problem }]);
    expect(history.forget('qwen3')).toBe('no memory');
    expect(history.forget('qwen3')).toBeUndefined();
    expect(history.failed()).toEqual([]);
  });

  it('counts loads and ejects', () => {
    const exit = { exitCode: 0, signal: null, at: 4, askedBy: 'eject' };
    const history = historyOf(
      ['ready', 1],
      ['draining', 2],
      ['stopping', 3],
      ['off', 4, { lastExit: exit }],
      ['ready', 5],
    );
    expect([history.loads(), history.ejects()]).toEqual([2, 1]);
  });

  it('knows how long it was up of the time it was to be', () => {
    const history = historyOf(['off', 0], ['ready', 100], ['crashed', 400], ['ready', 500]);
    expect(history.uptimePercentage('qwen3', 500)).toBe(75);
    expect(history.uptimePercentage('qwen3', 900)).toBe(87.5);
    expect(history.uptimePercentage('other', 900)).toBe(0);
  });
});

describe('models to be kept warm', () => {
  it('are those used last that are unloaded', () => {
    const models = [
      modelView({ id: 'never' }),
      modelView({ id: 'old', lastUsedAt: 1 }),
      modelView({ id: 'loaded', lastUsedAt: 3, state: 'ready' }),
      modelView({ id: 'recent', lastUsedAt: 2 }),
    ];
    expect(decideWarm(models, 2)).toEqual(['recent']);
    expect(decideWarm(models, 0)).toEqual([]);
  });
});
