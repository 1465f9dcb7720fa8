import { probeFailure } from './probe-failure.ts';
import {
  amountToBytes,
  BYTES_PER_MIB,
  memberOf,
  namedText,
  parseAmount,
  parsePciAddress,
  parseSizeWithUnit,
  parseToolJson,
} from './tool-values.ts';

/** xpu-smi's JSON (Intel XPU Manager 1.2, `discovery` and `stats` with `--json`). Pure. */
export interface XpuDevice {
  readonly index: number;
  readonly name: string;
  readonly uuid: string | undefined;
  readonly pciAddress: string | undefined;
}

/** Of `xpu-smi discovery --json`. Throws `probe-failed`. */
export function parseXpuDiscovery(text: string): readonly XpuDevice[] {
  const list = memberOf(parseToolJson(text, 'xpu-smi discovery'), 'device_list');
  if (!Array.isArray(list)) throw probeFailure('`xpu-smi discovery` printed no list of devices', { said: text });
  return (list as readonly unknown[]).flatMap((device) => {
    const index = memberOf(device, 'device_id');
    // Whole cards only: virtual functions of a card share its memory.
    if (typeof index !== 'number' || memberOf(device, 'device_function_type') === 'virtual') return [];
    return [
      {
        index,
        name: namedText(memberOf(device, 'device_name')) ?? 'Intel GPU',
        uuid: namedText(memberOf(device, 'uuid')),
        pciAddress: parsePciAddress(namedText(memberOf(device, 'pci_bdf_address')) ?? ''),
      },
    ];
  });
}

/** Of `xpu-smi discovery -d N --json`: the device's memory. Undefined if it has none of its own. Throws `probe-failed`. */
export function parseXpuMemorySize(text: string): number | undefined {
  const size = memberOf(parseToolJson(text, 'xpu-smi discovery'), 'memory_physical_size_byte');
  if (typeof size === 'number') return amountToBytes(size, 1);
  const bytes = typeof size === 'string' ? parseSizeWithUnit(size) : undefined;
  return bytes === 0 ? undefined : bytes;
}

/** Of `xpu-smi stats -d N --json`: what is in use, told in MiB. Undefined if it is not told. Throws `probe-failed`. */
export function parseXpuMemoryUsed(text: string): number | undefined {
  const metrics = memberOf(parseToolJson(text, 'xpu-smi stats'), 'device_level');
  if (!Array.isArray(metrics)) throw probeFailure('`xpu-smi stats` printed no figures of the device', { said: text });
  const metric = (metrics as readonly unknown[]).find(
    (candidate) => memberOf(candidate, 'metrics_type') === 'XPUM_STATS_MEMORY_USED',
  );
  const value = memberOf(metric, 'value') ?? memberOf(metric, 'avg');
  if (typeof value === 'string') return amountToBytes(parseAmount(value), BYTES_PER_MIB);
  return typeof value === 'number' ? amountToBytes(value, BYTES_PER_MIB) : undefined;
}
