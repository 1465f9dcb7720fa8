import { NO_BYTES, type DeviceBytes } from '../memory/device-facts.ts';
import type { MemoryKeeper } from '../ports/memory-keeper.ts';

export interface Reservations {
  of(modelId: string): DeviceBytes;
  /** From the decision to start on, so that two loads at once never count on the same memory. */
  hold(modelId: string, bytes: DeviceBytes): void;
  /** The process is ready: what it took replaces what was thought. */
  correct(modelId: string): void;
  /** The process is gone. What it held stays reserved until it was seen to come back; resolves with that. */
  giveBack(modelId: string): Promise<DeviceBytes>;
  /** Nothing was taken after all. */
  drop(modelId: string): void;
}

/** What is promised to models, and what they have not given back yet. */
export function createReservations(keeper: MemoryKeeper, onChange: (modelId: string) => void): Reservations {
  const held = new Map<string, DeviceBytes>();

  function set(modelId: string, bytes: DeviceBytes): void {
    if (bytes.size === 0) held.delete(modelId);
    else held.set(modelId, bytes);
  }

  return {
    of: (modelId) => held.get(modelId) ?? NO_BYTES,
    hold: set,
    correct(modelId) {
      const promised = held.get(modelId);
      if (promised === undefined) return;
      void keeper.measure(modelId).then((measured) => {
        // By then it may be gone, or another process may have begun.
        if (measured === undefined || held.get(modelId) !== promised) return;
        set(modelId, measured);
        onChange(modelId);
      });
    },
    async giveBack(modelId) {
      const bytes = held.get(modelId);
      if (bytes === undefined) return NO_BYTES;
      const freed = await keeper.awaitReturn(modelId, bytes);
      held.delete(modelId);
      onChange(modelId);
      return freed;
    },
    drop: (modelId) => void held.delete(modelId),
  };
}
