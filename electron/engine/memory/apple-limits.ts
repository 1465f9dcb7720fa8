import { probeFailure } from './probe-failure.ts';
import { BYTES_PER_MIB, namedText } from './tool-values.ts';

export interface AppleGpu {
  readonly name: string;
  readonly memoryBytes: number;
  /** What Metal lets the GPU keep in memory (recommendedMaxWorkingSetSize), as near as it can be told from outside. */
  readonly workingSetBytes: number;
}

/** From this size on, macOS gives the GPU three quarters instead of two thirds; seen on 32 and 36 GiB machines. */
const LARGE_MACHINE_BYTES = 36 * 2 ** 30;

/**
 * What `sysctl` prints for hw.memsize, hw.optional.arm64, machdep.cpu.brand_string and iogpu.wired_limit_mb, `name: value` a
 * line, without those the machine does not know. Undefined on Intel's processors, whose GPUs are another matter. The limit
 * is the one that was set (iogpu.wired_limit_mb, 0 if none was), else macOS's own. Throws `probe-failed`. Pure.
 */
export function parseAppleSysctl(text: string): AppleGpu | undefined {
  const valueOf = (name: string): string | undefined => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}: `));
    return namedText(line?.slice(name.length + 2));
  };
  if (valueOf('hw.optional.arm64') !== '1') return undefined;
  const memoryBytes = Number(valueOf('hw.memsize') ?? Number.NaN);
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes <= 0) {
    throw probeFailure('sysctl does not tell how much memory there is', { said: text });
  }
  const limitMebibytes = Number(valueOf('iogpu.wired_limit_mb') ?? 0);
  const isLimited = Number.isInteger(limitMebibytes) && limitMebibytes > 0;
  const ownLimitBytes = Math.floor(memoryBytes * (memoryBytes >= LARGE_MACHINE_BYTES ? 3 / 4 : 2 / 3));
  return {
    name: valueOf('machdep.cpu.brand_string') ?? 'Apple GPU',
    memoryBytes,
    workingSetBytes: isLimited ? Math.min(limitMebibytes * BYTES_PER_MIB, memoryBytes) : ownLimitBytes,
  };
}
