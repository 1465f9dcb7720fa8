import type { DeviceBytes, MemoryFacts, ModelNeed } from '../memory/device-facts.ts';

/** What the scheduler asks of whoever knows memory. */
export interface MemoryKeeper {
  /** Devices as they were last read; undefined before the first reading. */
  facts(): MemoryFacts | undefined;
  /** Undefined until `prepare` has found it out, and again once there is a better source. */
  needOf(modelId: string): ModelNeed | undefined;
  /** Finds out what a model needs and reads the devices, which are fresh from then on for a while. Never rejects: what cannot be found out is unknown from then on. */
  prepare(modelId: string): Promise<void>;
  /** Milliseconds a load is expected to take; from history, else a guess by size. */
  expectedLoadMs(modelId: string): number;
  /** A process exists: what it holds of a device is its own until it was seen to come back. */
  noteProcess(modelId: string): void;
  /** A process is about to be ended: from now on its memory is looked for. */
  expectReturn(modelId: string): void;
  /** Resolves with what came back once what a process held is free again, as far as that can be seen; after 5 s at the latest. */
  awaitReturn(modelId: string, held: DeviceBytes): Promise<DeviceBytes>;
  /** A process is ready: what it really took, if that can be told. */
  measure(modelId: string): Promise<DeviceBytes | undefined>;
}

/** Where models are only counted. */
export const noMemoryKeeper: MemoryKeeper = {
  facts: () => undefined,
  needOf: () => undefined,
  prepare: () => Promise.resolve(),
  expectedLoadMs: () => 0,
  noteProcess: () => undefined,
  expectReturn: () => undefined,
  awaitReturn: (_modelId, held) => Promise.resolve(held),
  measure: () => Promise.resolve(undefined),
};
