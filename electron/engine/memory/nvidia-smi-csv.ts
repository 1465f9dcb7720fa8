import { probeFailure } from './probe-failure.ts';
import { amountToBytes, BYTES_PER_MIB, isNotAvailable, parseAmount, parsePciAddress, parsePid } from './tool-values.ts';

/**
 * What `nvidia-smi --query-…=… --format=csv,noheader,nounits` prints: a line a row, fields apart by comma and space, memory
 * in MiB. Source: `nvidia-smi --help-query-gpu` and `--help-query-compute-apps`. Pure.
 */

/** The name comes last, because it alone is free text. */
export const GPU_FIELDS = [
  'uuid',
  'pci.bus_id',
  'memory.total',
  'memory.free',
  'memory.used',
  'mig.mode.current',
  'name',
];
/** Drivers before 450 know no MIG, and refuse a query that names it. */
export const GPU_FIELDS_BEFORE_MIG = GPU_FIELDS.filter((field) => field !== 'mig.mode.current');
export const APP_FIELDS = ['gpu_uuid', 'pid', 'used_gpu_memory'];

export interface NvidiaGpu {
  readonly uuid: string;
  readonly pciAddress: string | undefined;
  readonly name: string;
  /** Undefined where the GPU has no memory of its own (`[N/A]` or `[Not Supported]`: GB10, Orin), or hides it. */
  readonly totalBytes: number | undefined;
  readonly freeBytes: number | undefined;
  /** The driver says that there is no such figure, and not that it may not be seen. */
  readonly isMemoryUnsupported: boolean;
  readonly isMigEnabled: boolean;
}

/** In PCI order. Throws `probe-failed` on a line that is none of the rows asked for. */
export function parseGpuRows(csv: string, fields: readonly string[]): readonly NvidiaGpu[] {
  return rowsOf(csv)
    .map((row) => parseGpuRow(row, fields))
    .sort((one, other) => ((one.pciAddress ?? '') < (other.pciAddress ?? '') ? -1 : 1));
}

function parseGpuRow(row: string, fields: readonly string[]): NvidiaGpu {
  const cells = cellsOf(row, fields.length);
  const cell = (field: string): string => cells[fields.indexOf(field)] ?? '';
  const uuid = cell('uuid');
  if (cells.length < fields.length || !/^(GPU|MIG)-[\w/-]+$/.test(uuid)) {
    throw probeFailure('nvidia-smi printed a line that is no GPU', { said: row });
  }
  const total = cell('memory.total');
  const totalBytes = parseMebibytes(total, row);
  const free = parseMebibytes(cell('memory.free'), row);
  const used = parseMebibytes(cell('memory.used'), row);
  const difference = totalBytes === undefined || used === undefined ? undefined : Math.max(0, totalBytes - used);
  return {
    uuid,
    pciAddress: parsePciAddress(cell('pci.bus_id')),
    name: cell('name'),
    totalBytes: totalBytes === 0 ? undefined : totalBytes,
    freeBytes: free ?? difference,
    isMemoryUnsupported: totalBytes === 0 || /^\[?(n\/a|not supported)\]?$/i.test(total),
    isMigEnabled: cell('mig.mode.current') === 'Enabled',
  };
}

/**
 * Bytes per process on each GPU, by its uuid. Undefined for a GPU whose processes are listed without their memory, which is
 * so on Windows (WDDM) and without the permission.
 */
export function parseComputeApps(csv: string): ReadonlyMap<string, ReadonlyMap<number, number> | undefined> {
  const found = new Map<string, Map<number, number> | undefined>();
  for (const row of rowsOf(csv)) {
    const [uuid = '', pidText = '', memory = ''] = cellsOf(row, APP_FIELDS.length);
    const pid = parsePid(pidText);
    if (pid === undefined || !/^(GPU|MIG)-[\w/-]+$/.test(uuid)) {
      throw probeFailure('nvidia-smi printed a line that is no process', { said: row });
    }
    const usedBytes = parseMebibytes(memory, row);
    const ofGpu = found.has(uuid) ? found.get(uuid) : new Map<number, number>();
    // One process may have several contexts on a GPU, a line each.
    if (usedBytes !== undefined) ofGpu?.set(pid, (ofGpu.get(pid) ?? 0) + usedBytes);
    found.set(uuid, usedBytes === undefined ? undefined : ofGpu);
  }
  return found;
}

function rowsOf(csv: string): readonly string[] {
  return csv
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !/^No (running processes|devices were) found/i.test(line));
}

/** The last cell keeps what else is in the line. */
function cellsOf(row: string, count: number): readonly string[] {
  const cells = row.split(/,\s+/).map((cell) => cell.trim());
  return cells.length <= count ? cells : [...cells.slice(0, count - 1), cells.slice(count - 1).join(', ')];
}

function parseMebibytes(cell: string, row: string): number | undefined {
  if (isNotAvailable(cell) || /^\[.*\]$/.test(cell)) return undefined;
  // `nounits` is obeyed by every version known; a unit is no reason to fail.
  const bytes = amountToBytes(parseAmount(cell.replace(/\s*MiB$/i, '')), BYTES_PER_MIB);
  if (bytes === undefined) throw probeFailure('nvidia-smi printed memory that is no number', { said: row });
  return bytes;
}
