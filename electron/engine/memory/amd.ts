import type { DeviceReading, MemoryProbe } from '../ports/memory-probe.ts';
import { parseAmdList, parseAmdMetrics, parseAmdNames, parseAmdProcesses } from './amd-smi-json.ts';
import { readAmdSysfs } from './amd-sysfs-linux.ts';
import { readDrmUsage, type DrmUsage } from './drm-usage-linux.ts';
import { parseRocmSmi } from './rocm-smi-json.ts';
import type { ReadSystemMemory } from './system-memory.ts';
import { stdoutOf, type ToolRunner } from './tool-runner.ts';

/** ROCm's packages put nothing on the PATH. */
const AMD_SMI = ['amd-smi', '/opt/rocm/bin/amd-smi'];
const ROCM_SMI = ['rocm-smi', '/opt/rocm/bin/rocm-smi'];

export interface AmdProbeOptions {
  readonly runner: ToolRunner;
  readonly readSystemMemory: ReadSystemMemory;
  /** The processes whose share is wanted, where the kernel is asked for it. */
  readonly pids: () => readonly number[];
  readonly root?: string;
}

/**
 * AMD's GPUs, on Linux: from the kernel, else, where its files are not to be seen (containers), through amd-smi, else
 * through rocm-smi, which is older. Other systems have no such tool; llama-server lists them.
 */
export function createAmdProbe(options: AmdProbeOptions): MemoryProbe {
  const { runner, readSystemMemory, pids, root = '/' } = options;
  /** What does not change while the GPUs are the same. */
  let identities: { readonly key: string; readonly byIndex: ReadonlyMap<number, Identity> } | undefined;

  async function run(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const output = await runner.run(AMD_SMI, args, { signal });
    return output === undefined ? undefined : stdoutOf(output, `amd-smi ${args[0] ?? ''}`);
  }

  async function readIdentities(key: string, signal: AbortSignal): Promise<ReadonlyMap<number, Identity>> {
    if (identities?.key === key) return identities.byIndex;
    const list = parseAmdList((await run(['list', '--json'], signal)) ?? '[]');
    const names = parseAmdNames((await run(['static', '--asic', '--json'], signal)) ?? '[]');
    const byIndex = new Map([...list].map(([index, place]) => [index, { ...place, name: names.get(index) }]));
    identities = { key, byIndex };
    return byIndex;
  }

  async function readAmdSmi(signal: AbortSignal): Promise<readonly DeviceReading[] | undefined> {
    const metrics = await run(['metric', '--mem-usage', '--json'], signal);
    if (metrics === undefined) return undefined;
    const gpus = parseAmdMetrics(metrics);
    const known = await readIdentities(gpus.map((gpu) => `${gpu.index}:${gpu.totalBytes}`).join(' '), signal);
    const processes = await readProcesses(signal);
    return gpus.map((gpu) => {
      const { pciAddress, uuid, name } = known.get(gpu.index) ?? {};
      return reading({ ...gpu, name: name ?? 'AMD GPU', pciAddress, uuid }, gpu.index, processes?.get(gpu.index));
    });
  }

  /** Worth having, and not worth losing the rest over. */
  async function readProcesses(signal: AbortSignal): Promise<ReturnType<typeof parseAmdProcesses> | undefined> {
    try {
      return parseAmdProcesses((await run(['process', '--json'], signal)) ?? '[]');
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    }
  }

  async function readRocmSmi(signal: AbortSignal): Promise<readonly DeviceReading[]> {
    const args = ['--showmeminfo', 'vram', '--showproductname', '--showbus', '--json'];
    const output = await runner.run(ROCM_SMI, args, { signal });
    if (output === undefined) return [];
    const cards = parseRocmSmi(stdoutOf(output, 'rocm-smi'));
    const usage = await readDrmUsage(root, pids());
    return cards.map((card, index) => reading(card, index, usedOn(card.pciAddress, usage)));
  }

  return {
    name: 'AMD',
    async read(signal) {
      const fromKernel = await readAmdSysfs(root, pids(), () => readSystemMemory(signal));
      if (fromKernel.length > 0) return fromKernel;
      return (await readAmdSmi(signal)) ?? (await readRocmSmi(signal));
    },
  };
}

interface Identity {
  readonly pciAddress: string | undefined;
  readonly uuid: string | undefined;
  readonly name: string | undefined;
}

function usedOn(pciAddress: string | undefined, usage: DrmUsage): ReadonlyMap<number, number> | undefined {
  return pciAddress === undefined ? undefined : usage.of(pciAddress, false);
}

function reading(
  gpu: {
    readonly name: string;
    readonly pciAddress: string | undefined;
    readonly uuid?: string | undefined;
    readonly totalBytes: number;
    readonly freeBytes: number | undefined;
  },
  index: number,
  usedByPid: ReadonlyMap<number, number> | undefined,
): DeviceReading {
  const uuid = gpu.uuid ?? gpu.pciAddress;
  return {
    id: gpu.pciAddress ?? uuid ?? `AMD GPU ${index}`,
    kind: 'gpu',
    vendor: 'amd',
    name: gpu.name,
    uuid,
    pciAddress: gpu.pciAddress,
    totalBytes: gpu.totalBytes,
    freeBytes: gpu.freeBytes,
    usedByPid,
  };
}
