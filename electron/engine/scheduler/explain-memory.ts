import { formatSize } from '#shared/model/units.ts';
import { totalBytesOf, type DeviceFacts, type ModelNeed } from '../memory/device-facts.ts';
import { emptyRoom, fitsAlone } from '../memory/placement.ts';
import type { ModelFacts } from './view.ts';

/** What devices may still give beside models that stay. Pure. */
export function availableBeside(staying: readonly ModelFacts[], devices: readonly DeviceFacts[]): Map<string, number> {
  const available = emptyRoom(devices);
  for (const { reserved } of staying) {
    for (const [device, bytes] of reserved) available.set(device, (available.get(device) ?? 0) - bytes);
  }
  return available;
}

/** Why a model could not be loaded even alone. Pure. */
export function explainTooLarge(need: ModelNeed, devices: readonly DeviceFacts[]): string {
  const room = describeRoom(devices, emptyRoom(devices));
  const isOthers = fitsAlone(need, devices, { ignoresOthers: true });
  return (
    `It needs ${describeNeed(need, devices)}, and ${room} is all there is for models` +
    (isOthers ? ', because other programs hold the rest. Close some, ' : '. Choose a smaller quantization, ') +
    'set a smaller contextSize, or raise memory.budgets.'
  );
}

/** Why there is no room beside what must stay. Pure. */
export function explainHeld(
  need: ModelNeed,
  others: readonly ModelFacts[],
  devices: readonly DeviceFacts[],
  why: string,
): string {
  const holders = others.map(({ id, reserved }) => `${id} ${formatSize(totalBytesOf(reserved))}`).join(', ');
  const room = describeRoom(devices, availableBeside(others, devices));
  return `It needs ${describeNeed(need, devices)}; free are ${room}, and ${why}: ${holders}. Eject or unpin one.`;
}

/** The same in bytes: on the GPUs where there are some, else in system memory. Pure. */
export function shortageOf(
  need: ModelNeed,
  others: readonly ModelFacts[],
  devices: readonly DeviceFacts[],
): { readonly requiredBytes: number; readonly availableBytes: number } {
  const isOffloaded = need.offload !== 'none' && devices.some(({ kind }) => kind !== 'ram');
  const available = availableBeside(others, devices);
  const availableBytes = devices
    .filter(({ kind }) => (kind !== 'ram') === isOffloaded)
    .reduce((sum, { id }) => sum + Math.max(0, available.get(id) ?? 0), 0);
  return { requiredBytes: isOffloaded ? need.offloadedBytes : need.cpuBytes, availableBytes };
}

/** What it needs where it would be put if everything were empty. */
function describeNeed(need: ModelNeed, devices: readonly DeviceFacts[]): string {
  const hasAccelerator = need.offload !== 'none' && devices.some(({ kind }) => kind !== 'ram');
  if (!hasAccelerator) return `${formatSize(need.cpuBytes)} of memory`;
  const host = need.hostBytes > 0 ? ` and ${formatSize(need.hostBytes)} of system memory` : '';
  return `${formatSize(need.offloadedBytes)} of GPU memory${host}`;
}

function describeRoom(devices: readonly DeviceFacts[], room: ReadonlyMap<string, number>): string {
  return devices.map(({ id }) => `${formatSize(Math.max(0, room.get(id) ?? 0))} of ${id}`).join(', ');
}

/** What was needed, what is free and who has the rest: for a load that ran out of memory whatever was tried. Pure. */
export function explainHolders(
  need: ModelNeed | undefined,
  devices: readonly DeviceFacts[],
  models: Iterable<ModelFacts>,
  modelId: string,
): string {
  const others = [...models].filter(({ id, reserved }) => id !== modelId && reserved.size > 0);
  const holders = others.map(({ id, reserved }) => `${id} ${formatSize(totalBytesOf(reserved))}`);
  const elsewhere = devices
    .filter(({ usedByOthersBytes }) => usedByOthersBytes > 0)
    .map(({ id, usedByOthersBytes }) => `other programs ${formatSize(usedByOthersBytes)} of ${id}`);
  const needed = need === undefined ? '' : `It was thought to need ${describeNeed(need, devices)}. `;
  const held = [...holders, ...elsewhere];
  return `${needed}Free: ${describeRoom(devices, availableBeside(others, devices))}. Held by: ${held.length === 0 ? 'nothing known' : held.join(', ')}.`;
}
