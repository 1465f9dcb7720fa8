import { expect, it } from 'vitest';
import type { RequestRecord } from '#shared/contract/request-record.ts';
import { createRecordIntake } from '../../../electron/engine/telemetry/record-intake.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

function rig() {
  const clock = createFakeClock();
  const taken: string[] = [];
  const intake = createRecordIntake(clock, (record) => taken.push(record.id));
  const add = (id: string): void => intake.add(() => ({ id }) as RequestRecord);
  return { clock, taken, intake, add };
}

it('takes records a tenth of a second later, in their order', () => {
  const { clock, taken, add } = rig();
  add('a');
  add('b');
  clock.advance(99);
  expect(taken).toEqual([]);
  clock.advance(1);
  expect(taken).toEqual(['a', 'b']);
});

it('takes them at once when somebody asks, and none twice', () => {
  const { clock, taken, intake, add } = rig();
  add('a');
  intake.flush();
  expect(taken).toEqual(['a']);
  clock.advance(1000);
  expect(taken).toEqual(['a']);
});

it('does not let many gather', () => {
  const { taken, add } = rig();
  for (let count = 0; count < 100; count += 1) add(String(count));
  expect(taken.length).toBeGreaterThanOrEqual(96);
  expect(taken[0]).toBe('0');
});
