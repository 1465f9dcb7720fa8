import type { DeviceReading, MemoryProbe } from '../ports/memory-probe.ts';
import { decideCudaIds } from './cuda-order.ts';
import { APP_FIELDS, GPU_FIELDS, GPU_FIELDS_BEFORE_MIG, parseComputeApps, parseGpuRows } from './nvidia-smi-csv.ts';
import type { NvidiaGpu } from './nvidia-smi-csv.ts';
import { parseMigInstances, type MigInstance } from './nvidia-smi-mig.ts';
import type { ReadSystemMemory } from './system-memory.ts';
import { allEnded, stdoutOf, type ToolOutput, type ToolRunner } from './tool-runner.ts';

/** "If no devices were found"; from the exit codes in nvidia-smi(1). */
const EXIT_NO_DEVICES = 6;
const FORMAT = '--format=csv,noheader,nounits';

export interface NvidiaProbeOptions {
  readonly runner: ToolRunner;
  /** Where nvidia-smi may be, best first. */
  readonly candidates: readonly string[];
  /** What llama-server will see of CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The memory of GPUs that have none of their own. */
  readonly readSystemMemory: ReadSystemMemory;
}

/** NVIDIA's GPUs and their MIG instances through nvidia-smi. */
export function createNvidiaProbe({ runner, candidates, env, readSystemMemory }: NvidiaProbeOptions): MemoryProbe {
  let fields = GPU_FIELDS;

  const run = (args: readonly string[], signal: AbortSignal): Promise<ToolOutput | undefined> =>
    runner.run(candidates, args, { signal });

  async function readGpus(signal: AbortSignal): Promise<readonly NvidiaGpu[]> {
    const output = await run([`--query-gpu=${fields.join(',')}`, FORMAT], signal);
    if (output === undefined || output.exitCode === EXIT_NO_DEVICES) return [];
    if (output.exitCode !== 0 && fields === GPU_FIELDS && /not a valid field/i.test(output.stdout + output.stderr)) {
      fields = GPU_FIELDS_BEFORE_MIG;
      return await readGpus(signal);
    }
    return parseGpuRows(stdoutOf(output, 'nvidia-smi --query-gpu'), fields);
  }

  /**
   * Who takes how much is worth having, and not worth losing the rest over: undefined if it cannot be read. Programs that
   * compute through Vulkan are not listed, and in a container the pids are the host's.
   */
  async function readProcesses(signal: AbortSignal): Promise<ReturnType<typeof parseComputeApps> | undefined> {
    try {
      const output = await run([`--query-compute-apps=${APP_FIELDS.join(',')}`, FORMAT], signal);
      return output?.exitCode === 0 ? parseComputeApps(output.stdout) : undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    }
  }

  async function readInstances(signal: AbortSignal): Promise<readonly MigInstance[]> {
    const [xml, listing] = await allEnded([run(['-q', '-x'], signal), run(['-L'], signal)] as const);
    if (xml === undefined || listing === undefined) return [];
    return parseMigInstances(stdoutOf(xml, 'nvidia-smi -q -x'), stdoutOf(listing, 'nvidia-smi -L'));
  }

  return {
    name: 'nvidia-smi',
    async read(signal) {
      const [gpus, processes] = await allEnded([readGpus(signal), readProcesses(signal)] as const);
      const instances = gpus.some((gpu) => gpu.isMigEnabled) ? await readInstances(signal) : [];
      const whole = gpus.filter((gpu) => !gpu.isMigEnabled);
      const ids = decideCudaIds([...whole, ...instances], env);
      const shared = whole.some((gpu) => gpu.isMemoryUnsupported) ? await readSystemMemory(signal) : undefined;

      const readings: DeviceReading[] = [];
      for (const gpu of whole) {
        const isUnified = gpu.isMemoryUnsupported && shared !== undefined;
        const totalBytes = isUnified ? shared.totalBytes : gpu.totalBytes;
        if (totalBytes === undefined) continue; // Its memory is hidden from us; llama-server may tell more.
        readings.push({
          id: ids.get(gpu.uuid) ?? gpu.uuid,
          kind: isUnified ? 'unified' : 'gpu',
          vendor: 'nvidia',
          name: gpu.name,
          uuid: gpu.uuid,
          pciAddress: gpu.pciAddress,
          totalBytes,
          freeBytes: isUnified ? shared.availableBytes : gpu.freeBytes,
          usedByPid: processes === undefined || processes.has(gpu.uuid) ? processes?.get(gpu.uuid) : new Map(),
        });
      }
      for (const instance of instances) {
        readings.push({ ...instance, id: ids.get(instance.uuid) ?? instance.uuid, kind: 'gpu', vendor: 'nvidia' });
      }
      return readings;
    },
  };
}
