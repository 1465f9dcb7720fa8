import type { DeviceView, LoadPlanView } from '#shared/contract/memory.ts';
import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { shortName } from './plain-text.ts';
import { GAP, item, submenu, type TrayItem } from './tray-item.ts';
import { neededText, sizeText } from './tray-sizes.ts';

/** More than fit on a screen are a list for the window. Plans are made for no more than are listed. */
export const MAX_LISTED_MODELS = 50;

/** The models a user may want to load, in the order of the configuration. */
export function loadableModels(snapshot: Snapshot): ModelView[] {
  return snapshot.models.filter((model) => !isResident(model.state)).slice(0, MAX_LISTED_MODELS);
}

/** `Load ▸`: every model that is not loaded, with what loading it takes and does. Pure. */
export function loadSubmenu(snapshot: Snapshot, plans: ReadonlyMap<string, LoadPlanView>): TrayItem {
  if (snapshot.memory.isGameMode) return submenu('load', `Load${GAP}off in game mode`, [], false);
  if (snapshot.models.length === 0) {
    return submenu('load', 'Load', [
      item('load:none', 'No models yet: show the catalog', { do: 'open', page: 'catalog' }),
    ]);
  }
  const listed = loadableModels(snapshot);
  if (listed.length === 0) return submenu('load', `Load${GAP}all are loaded`, [], false);
  const unlistedCount = snapshot.models.filter((model) => !isResident(model.state)).length - listed.length;
  const more =
    unlistedCount > 0 ? [item('load:more', `${unlistedCount} more in Corral`, { do: 'open', page: 'herd' })] : [];
  return submenu('load', 'Load', [
    ...listed.map((model) => loadItem(model, plans.get(model.id), snapshot.memory.devices)),
    ...more,
  ]);
}

function loadItem(model: ModelView, plan: LoadPlanView | undefined, devices: readonly DeviceView[]): TrayItem {
  const id = `load:${model.id}`;
  const name = shortName(model.id);
  if (model.state === 'failed') {
    return item(id, `${name}${GAP}failed: reset it first`, { do: 'load', model: model.id }, false);
  }
  if (model.waitingRequests > 0) {
    return item(id, `${name}${GAP}${model.waitingRequests} waiting for it`, { do: 'open', page: 'queue' });
  }
  const size = neededText(model, plan);
  const facts = [size, plan === undefined ? undefined : consequence(plan, devices)].filter(
    (fact) => fact !== undefined,
  );
  const text = facts.length === 0 ? name : `${name}${GAP}${facts.join(', ')}`;
  return item(id, text, { do: 'load', model: model.id }, plan?.outcome !== 'no-room');
}

function consequence(plan: LoadPlanView, devices: readonly DeviceView[]): string | undefined {
  switch (plan.outcome) {
    case 'fits':
      return undefined;
    case 'evicts':
      return `ejects ${namesText(plan.ejects.map(({ model }) => model))}`;
    case 'waits':
      return plan.waitsFor.length === 0 ? 'waits for room' : `waits for ${namesText(plan.waitsFor)}`;
    case 'no-room':
      return noRoomText(plan, devices);
    case 'unknown':
      return plan.need === null || plan.need.source === 'unknown' ? 'size not known yet' : undefined;
  }
}

/** Either too large for all there is, or held by what must stay; the size of the devices explains only the first. */
function noRoomText(plan: LoadPlanView, devices: readonly DeviceView[]): string {
  const wholeBytes = relevantDevices(devices).reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  const need = plan.need;
  const hasGpu = devices.some(({ kind }) => kind !== 'ram');
  const neededBytes = need === null ? 0 : hasGpu && need.offloadedBytes > 0 ? need.offloadedBytes : need.cpuBytes;
  if (wholeBytes > 0 && (neededBytes > wholeBytes || need === null)) return `won't fit (${sizeText(wholeBytes)})`;
  return "won't fit now";
}

/** What models compete for: the GPUs, or system memory where there is none. */
export function relevantDevices(devices: readonly DeviceView[]): readonly DeviceView[] {
  const accelerators = devices.filter(({ kind }) => kind !== 'ram');
  return accelerators.length > 0 ? accelerators : devices;
}

function namesText(ids: readonly string[]): string {
  const names = ids.map(shortName);
  const [first = '', second = ''] = names;
  if (names.length <= 1) return first;
  return names.length === 2 ? `${first} and ${second}` : `${first} and ${names.length - 1} more`;
}
