import { describe, expect, it } from 'vitest';
import type { DeviceBytes } from '../../../electron/engine/memory/device-facts.ts';
import { noMemoryKeeper } from '../../../electron/engine/ports/memory-keeper.ts';
import { createReservations } from '../../../electron/engine/scheduler/reservations.ts';
import { settle } from './support/memory-world.ts';

const bytes = (size: number): DeviceBytes => new Map([['CUDA0', size]]);

function createSubject() {
  const changed: string[] = [];
  let giveBack: (freed: DeviceBytes) => void = () => undefined;
  let measured: (taken: DeviceBytes | undefined) => void = () => undefined;
  let isThere = true;
  const reservations = createReservations({
    keeper: {
      ...noMemoryKeeper,
      awaitReturn: () => new Promise((resolve) => (giveBack = resolve)),
      measure: () => new Promise((resolve) => (measured = resolve)),
    },
    onChanged: (modelId) => void changed.push(modelId),
    onRoom: () => void changed.push('room'),
  });
  return {
    reservations,
    changed,
    correct: (modelId: string) => reservations.correct(modelId, () => isThere),
    leave: () => (isThere = false),
    giveBack: (freed: DeviceBytes) => giveBack(freed),
    measured: (taken: DeviceBytes | undefined) => measured(taken),
  };
}

describe('a reservation', () => {
  it('lasts until the memory was seen to come back', async () => {
    const { reservations, changed, giveBack } = createSubject();
    reservations.hold('a', bytes(10));
    const returned = reservations.giveBack('a');
    await settle();
    expect(reservations.of('a')).toEqual(bytes(10));
    giveBack(bytes(9));
    expect(await returned).toEqual(bytes(9));
    expect(reservations.of('a').size).toBe(0);
    expect(changed).toEqual(['a', 'a', 'room']);
  });

  it('of a model that came back stays when the memory of its process before is given back at last', async () => {
    const { reservations, giveBack } = createSubject();
    reservations.hold('a', bytes(10));
    const returned = reservations.giveBack('a');
    reservations.hold('a', bytes(11));
    giveBack(bytes(10));
    await returned;
    expect(reservations.of('a')).toEqual(bytes(11));
  });

  it('is corrected by what was measured', async () => {
    const { reservations, changed, correct, measured } = createSubject();
    reservations.hold('a', bytes(10));
    correct('a');
    measured(bytes(12));
    await settle();
    expect(reservations.of('a')).toEqual(bytes(12));
    expect(changed).toEqual(['a', 'a', 'room']);
  });

  it('is made by what was measured where nothing was known', async () => {
    const { reservations, correct, measured } = createSubject();
    correct('a');
    measured(bytes(12));
    await settle();
    expect(reservations.of('a')).toEqual(bytes(12));
  });

  it('of a process that is gone is not corrected', async () => {
    const { reservations, correct, leave, measured } = createSubject();
    correct('a');
    leave();
    measured(bytes(12));
    await settle();
    expect(reservations.of('a').size).toBe(0);
  });

  it('stays as it was where nothing could be measured', async () => {
    const { reservations, changed, correct, measured } = createSubject();
    reservations.hold('a', bytes(10));
    correct('a');
    measured(undefined);
    await settle();
    expect(reservations.of('a')).toEqual(bytes(10));
    expect(changed).toEqual(['a']);
  });

  it('of a next process is not corrected by what the last one took', async () => {
    const { reservations, correct, measured } = createSubject();
    reservations.hold('a', bytes(10));
    correct('a');
    reservations.hold('a', bytes(5));
    measured(bytes(12));
    await settle();
    expect(reservations.of('a')).toEqual(bytes(5));
  });

  it('of a start that came to nothing is dropped at once', () => {
    const { reservations } = createSubject();
    reservations.hold('a', bytes(10));
    reservations.drop('a');
    expect(reservations.of('a').size).toBe(0);
  });

  it('of nothing is none', async () => {
    const { reservations, changed } = createSubject();
    reservations.hold('a', new Map());
    expect((await reservations.giveBack('a')).size).toBe(0);
    expect(changed).toEqual(['a']);
  });
});
