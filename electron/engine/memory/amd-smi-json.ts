import { probeFailure } from './probe-failure.ts';
import {
  amountToBytes,
  BYTES_PER_MIB,
  memberOf,
  namedText,
  parseAmount,
  parsePciAddress,
  parsePid,
  parseSizeWithUnit,
  parseToolJson,
} from './tool-values.ts';

/**
 * amd-smi's JSON: a list of GPUs, from ROCm 6.4 on inside `gpu_data`. A figure is `{ "value": 24560, "unit": "MB" }`, in
 * early versions a bare number or text, and `"N/A"` where there is none. Source: AMD SMI's documentation and amdsmi_cli. Pure.
 */
export interface AmdSmiGpu {
  readonly index: number;
  readonly totalBytes: number;
  readonly freeBytes: number | undefined;
}

/** Of `amd-smi metric --mem-usage --json`; without those that tell no memory. Throws `probe-failed`. */
export function parseAmdMetrics(text: string): readonly AmdSmiGpu[] {
  return gpusOf(text, 'amd-smi metric').flatMap(({ index, gpu }) => {
    const memory = memberOf(gpu, 'mem_usage');
    const totalBytes = bytesOf(memberOf(memory, 'total_vram'));
    const usedBytes = bytesOf(memberOf(memory, 'used_vram'));
    if (totalBytes === undefined || totalBytes === 0) return [];
    const freeBytes =
      bytesOf(memberOf(memory, 'free_vram')) ??
      (usedBytes === undefined ? undefined : Math.max(0, totalBytes - usedBytes));
    return [{ index, totalBytes, freeBytes }];
  });
}

/** Of `amd-smi list --json`: where each GPU is. Throws `probe-failed`. */
export function parseAmdList(
  text: string,
): ReadonlyMap<number, { readonly pciAddress: string | undefined; readonly uuid: string | undefined }> {
  return new Map(
    gpusOf(text, 'amd-smi list').map(({ index, gpu }) => [
      index,
      {
        pciAddress: parsePciAddress(namedText(memberOf(gpu, 'bdf')) ?? ''),
        uuid: namedText(memberOf(gpu, 'uuid')),
      },
    ]),
  );
}

/** Of `amd-smi static --asic --json`: what each GPU is called. Throws `probe-failed`. */
export function parseAmdNames(text: string): ReadonlyMap<number, string | undefined> {
  return new Map(
    gpusOf(text, 'amd-smi static').map(({ index, gpu }) => [
      index,
      namedText(memberOf(memberOf(gpu, 'asic'), 'market_name')),
    ]),
  );
}

/** Of `amd-smi process --json`: bytes by process on each GPU; undefined where they are not told. Throws `probe-failed`. */
export function parseAmdProcesses(text: string): ReadonlyMap<number, ReadonlyMap<number, number> | undefined> {
  return new Map(
    gpusOf(text, 'amd-smi process').map(({ index, gpu }) => [index, usedBy(memberOf(gpu, 'process_list'))]),
  );
}

function usedBy(list: unknown): ReadonlyMap<number, number> | undefined {
  if (!Array.isArray(list)) return undefined;
  const used = new Map<number, number>();
  for (const entry of list as readonly unknown[]) {
    const info = memberOf(entry, 'process_info') ?? entry;
    if (typeof info === 'string') continue; // "No running processes detected"
    const pid = memberOf(info, 'pid');
    const known = typeof pid === 'number' || typeof pid === 'string' ? parsePid(pid) : undefined;
    const bytes =
      bytesOf(memberOf(memberOf(info, 'memory_usage'), 'vram_mem'), 1) ?? bytesOf(memberOf(info, 'mem_usage'), 1);
    if (known === undefined || bytes === undefined) return undefined;
    used.set(known, (used.get(known) ?? 0) + bytes);
  }
  return used;
}

function gpusOf(text: string, command: string): readonly { readonly index: number; readonly gpu: unknown }[] {
  const json = parseToolJson(text, command);
  const list = Array.isArray(json) ? (json as readonly unknown[]) : memberOf(json, 'gpu_data');
  if (!Array.isArray(list)) throw probeFailure(`\`${command}\` printed no list of GPUs`, { said: text });
  return (list as readonly unknown[]).map((gpu) => {
    const index = memberOf(gpu, 'gpu');
    if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) {
      throw probeFailure(`\`${command}\` printed a GPU without a number`, { said: text });
    }
    return { index, gpu };
  });
}

function bytesOf(figure: unknown, bytesPerBareNumber = BYTES_PER_MIB): number | undefined {
  const value = memberOf(figure, 'value') ?? figure;
  const unit = memberOf(figure, 'unit');
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const bytesPerOne = typeof unit === 'string' ? (parseSizeWithUnit(`1 ${unit}`) ?? Number.NaN) : bytesPerBareNumber;
  if (typeof value === 'number') return amountToBytes(value, bytesPerOne);
  return (
    amountToBytes(parseAmount(value), bytesPerOne) ?? (typeof unit === 'string' ? undefined : parseSizeWithUnit(value))
  );
}
