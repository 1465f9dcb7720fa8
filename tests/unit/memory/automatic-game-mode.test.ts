import { describe, expect, it } from 'vitest';
import { decideGameMode, watchForGames } from '../../../electron/engine/memory/automatic-game-mode.ts';
import type { DeviceFacts } from '../../../electron/engine/memory/device-facts.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

const device = (usedByOthersBytes: number, kind: DeviceFacts['kind'] = 'gpu'): DeviceFacts => ({
  id: 'CUDA0',
  kind,
  totalBytes: 100,
  budgetBytes: 90,
  usedByOthersBytes,
});

describe('decideGameMode', () => {
  it.each([
    ['a game on one of two GPUs', [device(5), device(60)], true],
    ['a desktop', [device(12)], false],
    ['something in between', [device(20)], undefined],
    ['system memory that is full', [device(95, 'ram')], undefined],
    ['no devices', [], undefined],
  ])('with %s', (_name, devices, expected) => {
    expect(decideGameMode(devices)).toBe(expected);
  });
});

function rig() {
  const clock = createFakeClock();
  const state = { used: 10, isOn: false, isWanted: true, reads: 0 };
  const switched: boolean[] = [];
  const end = watchForGames({
    clock,
    isWanted: () => state.isWanted,
    isOn: () => state.isOn,
    switchTo(isOn) {
      state.isOn = isOn;
      switched.push(isOn);
    },
    readDevices: () => {
      state.reads += 1;
      return Promise.resolve([device(state.used)]);
    },
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1000);
      for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
    }
  };
  return { clock, state, switched, end, pass };
}

describe('watching for games', () => {
  it('switches on when a game has held memory for two looks, and off when it has gone for two', async () => {
    const { state, switched, pass } = rig();
    await pass(11);
    state.used = 60;
    await pass(5);
    expect(switched).toEqual([]);
    await pass(6);
    expect(switched).toEqual([true]);
    state.used = 5;
    await pass(12);
    expect(switched).toEqual([true, false]);
  });

  it('leaves a game mode alone that a person switched on', async () => {
    const { state, switched, pass } = rig();
    state.isOn = true;
    await pass(30);
    expect(switched).toEqual([]);
  });

  it('does not look unless it is wanted, and not after its end', async () => {
    const { state, end, pass } = rig();
    state.isWanted = false;
    await pass(20);
    expect(state.reads).toBe(0);
    state.isWanted = true;
    await pass(10);
    const { reads } = state;
    expect(reads).toBeGreaterThan(0);
    end();
    await pass(20);
    expect(state.reads).toBe(reads);
  });
});
