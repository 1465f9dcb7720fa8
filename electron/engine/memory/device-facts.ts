/** Memory as placement sees it. Pure types; all sizes in bytes. */

/** Bytes by the id of their device. */
export type DeviceBytes = ReadonlyMap<string, number>;

/** System memory's id; accelerators have the names llama.cpp gives them (`CUDA0`, `ROCm1`, `Vulkan0`). */
export const RAM = 'RAM';

export interface DeviceFacts {
  readonly id: string;
  /** `unified`: an accelerator that has no memory but the system's. */
  readonly kind: 'gpu' | 'unified' | 'ram';
  readonly totalBytes: number;
  /** What all models together may use: the configured budget, or the whole but the reserve. */
  readonly budgetBytes: number;
  /** Held by other programs, so far as it is known. */
  readonly usedByOthersBytes: number;
}

export interface MemoryFacts {
  readonly devices: readonly DeviceFacts[];
  /** Read so lately that it may be acted on; else it only says who may have to wait. */
  readonly isFresh: boolean;
}

export const needSources = ['measured', 'forecast', 'estimate', 'unknown'] as const;

/** Where a need comes from: a run of the same, llama-server's own forecast, the file's metadata, or nowhere. */
export type NeedSource = (typeof needSources)[number];

/** What a model needs, before it is decided where. */
export interface ModelNeed {
  readonly source: NeedSource;
  /** In the memory of an accelerator that has all of its layers. */
  readonly offloadedBytes: number;
  /** Once more for each further accelerator it is split over: context and compute buffer. */
  readonly perDeviceBytes: number;
  /** In system memory although all layers are offloaded. */
  readonly hostBytes: number;
  /** In system memory without any accelerator. */
  readonly cpuBytes: number;
  /** `none`: runs on the processor whatever there is; `all`: must not be left in part on the processor. */
  readonly offload: 'none' | 'auto' | 'all';
  /** Tokens of context this is about, where Corral chose them: to be passed on. */
  readonly contextSize?: number;
  /** Accelerators it may use; empty: any. */
  readonly devices: readonly string[];
}

export const NO_BYTES: DeviceBytes = new Map();

export function addBytes(one: DeviceBytes, other: DeviceBytes): Map<string, number> {
  const sum = new Map(one);
  for (const [device, bytes] of other) sum.set(device, (sum.get(device) ?? 0) + bytes);
  return sum;
}

export function totalBytesOf(bytes: DeviceBytes): number {
  return [...bytes.values()].reduce((sum, each) => sum + each, 0);
}
