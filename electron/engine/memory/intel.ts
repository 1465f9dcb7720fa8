import type { DeviceReading, MemoryProbe } from '../ports/memory-probe.ts';
import { readDrmUsage } from './drm-usage-linux.ts';
import { readIntelSysfs } from './intel-sysfs-linux.ts';
import { stdoutOf, type ToolRunner } from './tool-runner.ts';
import { parseXpuDiscovery, parseXpuMemorySize, parseXpuMemoryUsed, type XpuDevice } from './xpu-smi-json.ts';

const XPU_SMI = ['xpu-smi'];

export interface IntelProbeOptions {
  readonly runner: ToolRunner;
  /** The processes whose share is wanted. */
  readonly pids: () => readonly number[];
  readonly root?: string;
}

/**
 * Intel's cards, on Linux: through xpu-smi, which alone tells what is free, else from the kernel. Elsewhere llama-server
 * lists them.
 */
export function createIntelProbe({ runner, pids, root = '/' }: IntelProbeOptions): MemoryProbe {
  let sizes: { readonly key: string; readonly byIndex: ReadonlyMap<number, number> } | undefined;

  async function run(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const output = await runner.run(XPU_SMI, args, { signal });
    return output === undefined ? undefined : stdoutOf(output, `xpu-smi ${args[0] ?? ''}`);
  }

  async function readSizes(devices: readonly XpuDevice[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const key = devices.map((device) => `${device.index}:${device.uuid ?? ''}`).join(' ');
    if (sizes?.key === key) return sizes.byIndex;
    const byIndex = new Map<number, number>();
    for (const { index } of devices) {
      const text = await run(['discovery', '-d', String(index), '--json'], signal);
      const totalBytes = text === undefined ? undefined : parseXpuMemorySize(text);
      if (totalBytes !== undefined) byIndex.set(index, totalBytes);
    }
    sizes = { key, byIndex };
    return byIndex;
  }

  async function readXpuSmi(signal: AbortSignal): Promise<readonly DeviceReading[] | undefined> {
    const discovery = await run(['discovery', '--json'], signal);
    if (discovery === undefined) return undefined;
    const devices = parseXpuDiscovery(discovery);
    const totals = await readSizes(devices, signal);
    const usage = await readDrmUsage(root, pids());
    const readings: DeviceReading[] = [];
    for (const device of devices) {
      const totalBytes = totals.get(device.index);
      if (totalBytes === undefined) continue;
      const stats = await run(['stats', '-d', String(device.index), '--json'], signal);
      const usedBytes = stats === undefined ? undefined : parseXpuMemoryUsed(stats);
      const uuid = device.uuid ?? device.pciAddress;
      readings.push({
        id: device.pciAddress ?? uuid ?? `Intel GPU ${device.index}`,
        kind: 'gpu',
        vendor: 'intel',
        name: device.name,
        uuid,
        pciAddress: device.pciAddress,
        totalBytes,
        freeBytes: usedBytes === undefined ? undefined : Math.max(0, totalBytes - usedBytes),
        usedByPid: device.pciAddress === undefined ? undefined : usage.of(device.pciAddress, false),
      });
    }
    return readings;
  }

  return {
    name: 'Intel',
    async read(signal) {
      return (await readXpuSmi(signal)) ?? (await readIntelSysfs(root, pids()));
    },
  };
}
