import { NO_BYTES, type DeviceBytes } from '../memory/device-facts.ts';
import type { MemoryKeeper } from '../ports/memory-keeper.ts';

export interface Reservations {
  of(modelId: string): DeviceBytes;
  /** From the decision to start on, so that two loads at once never count on the same memory. */
  hold(modelId: string, bytes: DeviceBytes): void;
  /** The process is ready: what it took replaces what was thought, if by then the same one is still there. */
  correct(modelId: string, isStillThere: () => boolean): void;
  /** The process is gone. What it held stays reserved until it was seen to come back; resolves with that. */
  giveBack(modelId: string): Promise<DeviceBytes>;
  /** Nothing was taken after all. */
  drop(modelId: string): void;
}

/**
 * What is promised to models, and what they have not given back yet. `onChanged` hears of every change, `onRoom` of those
 * that may let somebody in.
 */
export function createReservations(options: {
  keeper: MemoryKeeper;
  onChanged(modelId: string): void;
  onRoom(): void;
}): Reservations {
  const { keeper, onChanged, onRoom } = options;
  const held = new Map<string, DeviceBytes>();

  function set(modelId: string, bytes: DeviceBytes): void {
    if (bytes.size === 0) held.delete(modelId);
    else held.set(modelId, bytes);
    onChanged(modelId);
  }

  return {
    of: (modelId) => held.get(modelId) ?? NO_BYTES,
    hold: set,
    correct(modelId, isStillThere) {
      const promised = held.get(modelId);
      void keeper.measure(modelId).then((measured) => {
        if (measured === undefined || held.get(modelId) !== promised || !isStillThere()) return;
        set(modelId, measured);
        onRoom();
      });
    },
    async giveBack(modelId) {
      const bytes = held.get(modelId);
      if (bytes === undefined) return NO_BYTES;
      const freed = await keeper.awaitReturn(modelId, bytes);
      // A model that came back meanwhile holds something else now, which is not this process's to give back.
      if (held.get(modelId) === bytes) set(modelId, NO_BYTES);
      onRoom();
      return freed;
    },
    drop(modelId) {
      if (held.has(modelId)) set(modelId, NO_BYTES);
    },
  };
}
