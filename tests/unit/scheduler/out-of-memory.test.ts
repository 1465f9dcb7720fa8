import { describe, expect, it } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import { createModelRecord } from '../../../electron/engine/scheduler/model-record.ts';
import { decideAfterOutOfMemory, mayTryAgain } from '../../../electron/engine/scheduler/out-of-memory.ts';
import { commandModelConfig, fileModelConfig } from '../../fakes/model-config.ts';
import { offloadedNeed } from './support/memory-world.ts';

describe('after loads that ran out of memory', () => {
  it.each([
    { failures: 1, isAutomatic: false, last: undefined, next: { kind: 'clear-idle' } },
    { failures: 1, isAutomatic: true, last: 32_768, next: { kind: 'clear-idle' } },
    { failures: 2, isAutomatic: false, last: 32_768, next: { kind: 'give-up' } },
    { failures: 2, isAutomatic: true, last: 32_768, next: { kind: 'shrink', contextSize: 16_384 } },
    { failures: 3, isAutomatic: true, last: 16_384, next: { kind: 'shrink', contextSize: 4096 } },
    { failures: 4, isAutomatic: true, last: 4096, next: { kind: 'give-up' } },
    { failures: 2, isAutomatic: true, last: 8192, next: { kind: 'shrink', contextSize: 4096 } },
    { failures: 2, isAutomatic: true, last: 2048, next: { kind: 'give-up' } },
    { failures: 2, isAutomatic: true, last: undefined, next: { kind: 'shrink', contextSize: 16_384 } },
  ])('$failures of a context of $last, automatic: $isAutomatic', ({ failures, isAutomatic, last, next }) => {
    expect(decideAfterOutOfMemory(failures, isAutomatic, last)).toEqual(next);
  });

  const outOfMemory = new AppError('start-failed', 'no', { details: { reason: 'out-of-memory' } });

  it('a model forgets its failures when it is given up, so that the next request begins anew', () => {
    const record = createModelRecord(fileModelConfig('a'));
    record.startedFor = offloadedNeed(1, { contextSize: 8192 });
    expect([1, 2, 3].map(() => mayTryAgain(record, outOfMemory))).toEqual([true, true, false]);
    expect(record).toMatchObject({ outOfMemory: 0, contextSize: undefined });
  });

  it('only those count', () => {
    const record = createModelRecord(fileModelConfig('a'));
    expect(mayTryAgain(record, new AppError('start-failed', 'no'))).toBe(false);
    expect(record.outOfMemory).toBe(0);
  });

  it('a command gets no context', () => {
    const record = createModelRecord(commandModelConfig('a'));
    expect([1, 2].map(() => mayTryAgain(record, outOfMemory))).toEqual([true, false]);
  });
});
