import type { LoadPlanView, NeedView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { formatSize } from '#shared/model/units.ts';

/** Sizes as a menu says them. Pure. */

const RAM = 'RAM';

/** Less than this beside a GPU's share is noise: buffers that every model has. */
const MENTIONED_RAM_BYTES = 1e9;

/** `8.4 GB`, `24 GB`. */
export function sizeText(bytes: number): string {
  return formatSize(bytes).replace('.0 ', ' ');
}

/** `14.9 of 24 GB`, `850 MB of 24 GB`. */
export function shareText(partBytes: number, wholeBytes: number): string {
  const part = sizeText(partBytes);
  const whole = sizeText(wholeBytes);
  const [amount, unit] = part.split(' ');
  return whole.endsWith(` ${unit ?? ''}`) ? `${amount ?? part} of ${whole}` : `${part} of ${whole}`;
}

/** What a model holds of the devices; undefined while it holds nothing. */
export function reservedText(model: ModelView): string | undefined {
  const text = devicesText(model.reservedBytes);
  if (text === undefined) return undefined;
  // What is reserved for a model that has become ready is corrected by what was measured then.
  const hasBeenMeasured = model.state !== 'starting' && model.state !== 'loading' && hasMeasurement(model);
  return hasBeenMeasured || model.need?.source === 'measured' ? text : `≈${text}`;
}

/** What loading it takes by a plan, or by what was found out before; undefined if nobody knows. */
export function neededText(model: ModelView, plan: LoadPlanView | undefined): string | undefined {
  const need = plan?.need ?? model.need;
  const text = (plan === undefined ? undefined : devicesText(plan.placement)) ?? needText(need);
  if (text === undefined) return undefined;
  return need?.source === 'measured' ? text : `≈${text}`;
}

function hasMeasurement(model: ModelView): boolean {
  return model.needHistory !== null && model.needHistory.measuredBytes !== null;
}

function needText(need: NeedView | null): string | undefined {
  if (need === null || need.source === 'unknown') return undefined;
  const bytes = need.offloadedBytes > 0 ? need.offloadedBytes : need.cpuBytes;
  return bytes > 0 ? sizeText(bytes) : undefined;
}

function devicesText(bytesByDevice: Readonly<Record<string, number>>): string | undefined {
  const ramBytes = bytesByDevice[RAM] ?? 0;
  const gpuBytes = Object.values(bytesByDevice).reduce((sum, bytes) => sum + bytes, 0) - ramBytes;
  if (gpuBytes <= 0) return ramBytes > 0 ? sizeText(ramBytes) : undefined;
  return ramBytes >= MENTIONED_RAM_BYTES ? `${sizeText(gpuBytes)} + ${sizeText(ramBytes)} RAM` : sizeText(gpuBytes);
}
