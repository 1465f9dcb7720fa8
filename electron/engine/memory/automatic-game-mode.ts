import type { Clock } from '../ports/clock.ts';
import type { DeviceFacts } from './device-facts.ts';
import { repeatWhileWanted } from './repeat-while-wanted.ts';

/** Part of a GPU that other programs must hold: a desktop with a browser holds a tenth, a game a third or more. */
const ON_PART = 0.3;
const OFF_PART = 0.15;
/** A program that starts takes memory and gives much of it back. */
const READINGS = 2;
const INTERVAL_MS = 5000;

/** Whether other programs hold so much of a GPU that models should go, or so little that they may come back; else undefined. Pure. */
export function decideGameMode(devices: readonly DeviceFacts[]): boolean | undefined {
  const parts = devices
    .filter(({ kind }) => kind === 'gpu')
    .map(({ usedByOthersBytes, totalBytes }) => usedByOthersBytes / totalBytes);
  if (parts.length === 0) return undefined;
  const most = Math.max(...parts);
  if (most >= ON_PART) return true;
  return most <= OFF_PART ? false : undefined;
}

/**
 * Switches game mode on when other programs take a GPU, and off again when they have given it back; what a person switched
 * stays as it is. Looks every five seconds while `isWanted`. Returns the function that ends it.
 */
export function watchForGames(options: {
  readonly clock: Clock;
  isWanted(): boolean;
  isOn(): boolean;
  switchTo(isOn: boolean): void;
  /** The devices as they are now. Never rejects. */
  readDevices(): Promise<readonly DeviceFacts[]>;
}): () => void {
  let isOwnDoing = false;
  let opinion: boolean | undefined;
  let count = 0;

  function switchOver(): void {
    if (opinion === true && !options.isOn()) {
      isOwnDoing = true;
      options.switchTo(true);
    } else if (opinion === false && options.isOn() && isOwnDoing) {
      isOwnDoing = false;
      options.switchTo(false);
    }
  }

  return repeatWhileWanted({
    clock: options.clock,
    intervalMs: INTERVAL_MS,
    isWanted: options.isWanted,
    async act(isEnded) {
      const next = decideGameMode(await options.readDevices());
      count = next === opinion ? count + 1 : 1;
      opinion = next;
      if (!options.isOn()) isOwnDoing = false;
      if (!isEnded() && count >= READINGS) switchOver();
    },
  });
}
