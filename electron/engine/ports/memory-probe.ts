/** What one tool says about the memory of one device, at one moment. */
export interface DeviceReading {
  /**
   * llama.cpp's name for the device where it is known (`CUDA0`, `ROCm0`, `Vulkan0`, `SYCL0`, `MTL0`), `RAM` for system
   * memory, else the uuid or PCI address.
   */
  readonly id: string;
  /** `unified`: a GPU that works in system memory; what it takes is missing there. */
  readonly kind: 'gpu' | 'unified' | 'ram';
  readonly vendor: 'nvidia' | 'amd' | 'intel' | 'apple' | 'other' | 'system';
  /** As the product is called. */
  readonly name: string;
  /** The vendor's uuid, else the PCI address: what readings of several tools are matched by. */
  readonly uuid: string | undefined;
  /** `0000:01:00.0`, in lower case. */
  readonly pciAddress: string | undefined;
  readonly totalBytes: number;
  /** Undefined where the tool cannot say. */
  readonly freeBytes: number | undefined;
  /**
   * Bytes per process. Undefined where the tool cannot say; a process that is missing takes nothing that the tool knows of
   * (NVIDIA's counts CUDA only).
   */
  readonly usedByPid: ReadonlyMap<number, number> | undefined;
  /** The part of that which is missing in `freeBytes`: weights mapped from a file are in memory, and count as free. */
  readonly heldByPid?: ReadonlyMap<number, number> | undefined;
}

/** One source of readings. */
export interface MemoryProbe {
  readonly name: string;
  /**
   * No devices: this machine has none that the probe knows of, or lacks its tool. Throws `probe-failed` if the tool
   * fails, hangs or says what cannot be understood, and the signal's reason once that has aborted.
   */
  read(signal: AbortSignal): Promise<readonly DeviceReading[]>;
}
