import { describe, expect, it } from 'vitest';
import { createStartFailures } from '../../../../electron/engine/dialects/llama-router/start-failures.ts';
import { modelView } from '../../../fakes/views.ts';

describe('a model that is not ready in time', () => {
  it('is told of once, with its port and how long it had', () => {
    const lines: string[] = [];
    const failures = createStartFailures({ log: (line) => lines.push(line) });
    failures.observe(modelView({ id: 'X', state: 'loading', commandLine: ['s', '--port', '50001', '--host', 'h'] }));
    const failed = modelView({
      id: 'X',
      state: 'crashed',
      address: null,
      problem: { code: 'start-failed', message: 'm', details: { reason: 'timed-out', limitMs: 10_000 } },
      lastExit: { exitCode: null, signal: 'SIGKILL', at: 5, askedBy: 'startTimeout' },
    });
    failures.observe(failed);
    failures.observe(failed);
    expect(lines).toEqual(['Backend for X did not become ready on port 50001 within 10000 ms']);
  });

  it('is not one that ended by itself', () => {
    const lines: string[] = [];
    const failures = createStartFailures({ log: (line) => lines.push(line) });
    failures.observe(
      modelView({
        problem: { code: 'start-failed', message: 'm', details: { reason: 'crashed' } },
        lastExit: { exitCode: 1, signal: null, at: 5, askedBy: null },
      }),
    );
    expect(lines).toEqual([]);
  });
});
