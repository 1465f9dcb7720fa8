import type { DeviceView, LoadPlanView } from '#shared/contract/memory.ts';
import type { EngineStatusView, Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { formatSize } from '#shared/model/units.ts';
import { plainText, shortenEnd, shortName } from './plain-text.ts';
import { checkbox, GAP, item, separator, type TrayItem } from './tray-item.ts';
import { loadSubmenu, relevantDevices } from './tray-load-menu.ts';
import { residentItem, troubledItem } from './tray-models.ts';
import { shareText, sizeText } from './tray-sizes.ts';

export interface TrayMenuInput {
  /** Undefined until the engine is up. */
  readonly snapshot: Snapshot | undefined;
  /** What loading each model would do, as far as it is known. */
  readonly plans: ReadonlyMap<string, LoadPlanView>;
  /** Undefined where the platform has no such thing. */
  readonly startsAtLogin: boolean | undefined;
  /** Wall-clock milliseconds, for ages. */
  readonly now: number;
}

const MAX_LINE_LENGTH = 80;
/** What the system itself takes of a GPU is not worth a word. */
const MENTIONED_OTHERS_BYTES = 1e8;

/** The tray's whole menu as plain data. Pure; what to do about a click is up to the caller. */
export function describeTrayMenu({ snapshot, plans, startsAtLogin, now }: TrayMenuInput): TrayItem[] {
  const body =
    snapshot === undefined
      ? [item('status', 'Corral is starting', { do: 'open', page: undefined }, false)]
      : snapshot.instance.isShuttingDown
        ? [item('status', 'Corral is stopping', { do: 'open', page: undefined }, false)]
        : herdItems(snapshot, plans, now);
  const atLogin =
    startsAtLogin === undefined
      ? []
      : [checkbox('start-at-login', 'Start at login', startsAtLogin, { do: 'start-at-login', isOn: !startsAtLogin })];
  return [
    ...body,
    separator,
    item('open', 'Open Corral', { do: 'open', page: undefined }),
    item('logs', 'Logs', { do: 'open', page: 'logs' }),
    ...atLogin,
    item('quit', 'Quit', { do: 'quit' }),
  ];
}

function herdItems(snapshot: Snapshot, plans: ReadonlyMap<string, LoadPlanView>, nowMs: number): TrayItem[] {
  const { instance, engine, models, queue, memory } = snapshot;
  const address = `${instance.address}/v1`;
  const residents = models.filter(({ state }) => isResident(state));
  const troubled = models.filter(({ state }) => state === 'crashed' || state === 'failed');
  return [
    item('address', `${address}${GAP}copy`, { do: 'copy-address', address }),
    ...engineItems(engine),
    ...configItems(snapshot),
    separator,
    ...relevantDevices(memory.devices).map(deviceItem),
    ...residents.map((model) => residentItem(model, nowMs)),
    ...troubled.map(troubledItem),
    loadSubmenu(snapshot, plans),
    item('eject-all', 'Eject all', { do: 'eject-all' }, residents.length > 0),
    checkbox('game-mode', 'Game mode', memory.isGameMode, { do: 'game-mode', isOn: !memory.isGameMode }),
    item('queue', queue.length === 0 ? 'Queue: empty' : `Queue: ${queue.length} waiting`, {
      do: 'open',
      page: 'queue',
    }),
  ];
}

function engineItems(engine: EngineStatusView): TrayItem[] {
  const line = (text: string): TrayItem[] => [item('engine', text, { do: 'open', page: 'herd' })];
  switch (engine.status) {
    case 'ready':
      return [];
    case 'searching':
      return line('Looking for llama-server');
    case 'installing':
      return line(shortenEnd(`Getting llama.cpp: ${plainText(engine.step)}${receivedText(engine)}`, MAX_LINE_LENGTH));
    case 'missing':
      return line(shortenEnd(`⚠ No llama-server: ${plainText(engine.reason)}`, MAX_LINE_LENGTH));
  }
}

function receivedText({
  receivedBytes,
  totalBytes,
}: {
  receivedBytes?: number | undefined;
  totalBytes?: number | undefined;
}): string {
  if (receivedBytes === undefined) return '';
  if (totalBytes === undefined || totalBytes <= 0) return ` ${formatSize(receivedBytes)}`;
  return ` ${Math.floor((Math.min(receivedBytes, totalBytes) / totalBytes) * 100)} %`;
}

function configItems({ instance }: Snapshot): TrayItem[] {
  const [first] = instance.configErrors;
  if (first === undefined) return [];
  const where = first.path === '' ? '' : `${plainText(first.path)}: `;
  const text = `⚠ The configuration has an error: ${where}${plainText(first.message)}`;
  return [item('config', shortenEnd(text, MAX_LINE_LENGTH), { do: 'open', page: 'settings' })];
}

function deviceItem(device: DeviceView): TrayItem {
  const held = device.models.reduce((sum, { bytes }) => sum + bytes, 0) + device.usedByOthersBytes;
  const usedBytes = device.freeBytes === null ? held : Math.max(0, device.totalBytes - device.freeBytes);
  const facts = [
    shareText(usedBytes, device.totalBytes),
    ...(device.usedByOthersBytes >= MENTIONED_OTHERS_BYTES ? [`${sizeText(device.usedByOthersBytes)} others`] : []),
    ...(device.isStale ? ['out of date'] : []),
  ];
  return item(`device:${device.id}`, `${shortName(device.id)}${GAP}${facts.join(' · ')}`, {
    do: 'open',
    page: 'memory',
  });
}
