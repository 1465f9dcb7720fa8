import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { appStatus, gigabytes, megabytes, portOf, round2, videoDevices, vramBytes } from './status-view.ts';

/** Video memory as RouterModelCustom tells of it. Sizes are binary megabytes and gigabytes. Pure. */

/** Above the first, healthy; above the second, warning; below, critical. */
const HEALTHY_MB = 1000;
const WARNING_MB = 500;

export interface ModelVram {
  readonly model_alias: string;
  readonly port: number | null;
  readonly status: string;
  readonly vram_used_mb: number;
  readonly vram_used_gb: number;
  readonly average_usage_mb: number;
  readonly load_duration_sec: number | null;
  readonly vram_percentage: number;
}

interface Totals {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly othersBytes: number;
}

export function modelVram(model: ModelView, memory: Snapshot['memory']): ModelVram {
  const bytes = vramBytes(model.id, memory);
  const { totalBytes } = totalsOf(memory);
  return {
    model_alias: model.id,
    port: portOf(model.address),
    status: appStatus(model),
    vram_used_mb: megabytes(bytes),
    vram_used_gb: gigabytes(bytes),
    average_usage_mb: megabytes(measuredBytes(model, memory) ?? bytes),
    load_duration_sec: model.lastLoadMs === null ? null : round2(model.lastLoadMs / 1000),
    vram_percentage: percentage(bytes, totalBytes),
  };
}

/** What it came to in earlier runs, where it was measured. */
function measuredBytes({ needHistory }: ModelView, memory: Snapshot['memory']): number | undefined {
  const measured = needHistory?.measuredBytes;
  if (measured === null || measured === undefined) return undefined;
  return videoDevices(memory).reduce((sum, { id }) => sum + (measured[id] ?? 0), 0);
}

export function vramView(
  { memory, instance }: Pick<Snapshot, 'memory' | 'instance'>,
  models: readonly ModelView[],
): Record<string, unknown> {
  const totals = totalsOf(memory);
  const loaded = models.filter(({ state }) => isResident(state));
  const allocatedBytes = loaded.reduce((sum, { id }) => sum + vramBytes(id, memory), 0);
  const freeMb = megabytes(totals.freeBytes);
  return {
    gpu_info: {
      total_mb: megabytes(totals.totalBytes),
      total_gb: gigabytes(totals.totalBytes),
      used_mb: megabytes(totals.usedBytes),
      used_gb: gigabytes(totals.usedBytes),
      free_mb: freeMb,
      free_gb: gigabytes(totals.freeBytes),
      usage_percentage: percentage(totals.usedBytes, totals.totalBytes),
      baseline_used_mb: megabytes(totals.othersBytes),
    },
    tracked_models_count: models.length,
    loaded_models_count: loaded.length,
    total_allocated_by_models_mb: megabytes(allocatedBytes),
    total_allocated_by_models_gb: gigabytes(allocatedBytes),
    models: loaded.map((model) => modelVram(model, memory)),
    can_load_more: loaded.length < (instance.maxLoaded ?? Number.POSITIVE_INFINITY) && freeMb >= WARNING_MB,
    estimated_free_for_new_model_mb: freeMb,
    estimated_free_for_new_model_gb: gigabytes(totals.freeBytes),
    status: vramStatus(freeMb),
  };
}

export function vramSummary(
  { memory }: Pick<Snapshot, 'memory'>,
  models: readonly ModelView[],
): Record<string, unknown> {
  const totals = totalsOf(memory);
  const loaded = models.filter(({ state }) => isResident(state));
  return {
    total_gb: gigabytes(totals.totalBytes),
    used_gb: gigabytes(totals.usedBytes),
    free_gb: gigabytes(totals.freeBytes),
    usage_percentage: percentage(totals.usedBytes, totals.totalBytes),
    loaded_models_count: loaded.length,
    loaded_models: loaded.map(({ id }) => id),
    status: vramStatus(megabytes(totals.freeBytes)),
  };
}

export function vramStatus(freeMb: number): 'healthy' | 'warning' | 'critical' {
  if (freeMb >= HEALTHY_MB) return 'healthy';
  return freeMb >= WARNING_MB ? 'warning' : 'critical';
}

export function totalsOf(memory: Snapshot['memory']): Totals {
  const devices = videoDevices(memory);
  const sum = (read: (device: (typeof devices)[number]) => number): number =>
    devices.reduce((total, device) => total + read(device), 0);
  const totalBytes = sum((device) => device.totalBytes);
  // A device that does not tell what is free is known by what was put there.
  const freeBytes = sum((device) => device.freeBytes ?? device.totalBytes - device.usedByOthersBytes - heldBy(device));
  return {
    totalBytes,
    freeBytes,
    usedBytes: totalBytes - freeBytes,
    othersBytes: sum((device) => device.usedByOthersBytes),
  };
}

function heldBy({ models }: Snapshot['memory']['devices'][number]): number {
  return models.reduce((sum, { bytes }) => sum + bytes, 0);
}

function percentage(part: number, whole: number): number {
  return whole === 0 ? 0 : round2((part / whole) * 100);
}
