import type { ModelView } from '#shared/contract/snapshot.ts';
import { formatDuration } from '#shared/model/units.ts';
import { shortenEnd, plainText, shortName } from './plain-text.ts';
import { GAP, item, logsPage, modelPage, separator, submenu, type TrayItem } from './tray-item.ts';
import { reservedText } from './tray-sizes.ts';

/** The lines of models that are loaded, on their way, or in trouble. Pure. */

const MAX_REASON_LENGTH = 80;
/** Ages are said in whole minutes and from the second one on, so that the menu changes once a minute at most for them. */
const MINUTE_MS = 60_000;

export function residentItem(model: ModelView, nowMs: number): TrayItem {
  const facts = [reservedText(model), ...activityOf(model, nowMs)].filter((fact) => fact !== undefined);
  const symbol = model.state === 'starting' || model.state === 'loading' ? '◐' : '●';
  const text = `${symbol} ${shortName(model.id)}${GAP}${facts.join(' · ')}`;
  return submenu(`model:${model.id}`, text, residentItems(model));
}

/** A model that crashed or was given up. */
export function troubledItem(model: ModelView): TrayItem {
  const word = model.state === 'failed' ? 'failed' : 'crashed';
  const reason = model.problem === null ? [] : [shortenEnd(plainText(model.problem.message), MAX_REASON_LENGTH)];
  const id = `model:${model.id}`;
  const way =
    model.state === 'failed'
      ? item(`${id}:reset`, 'Reset', { do: 'reset', model: model.id })
      : item(`${id}:load`, 'Load again', { do: 'load', model: model.id });
  return submenu(id, `⚠ ${shortName(model.id)}${GAP}${word}`, [
    ...reason.map((text) => item(`${id}:reason`, text, { do: 'open', page: modelPage(model.id) })),
    way,
    separator,
    ...showItems(model),
  ]);
}

function activityOf(model: ModelView, nowMs: number): (string | undefined)[] {
  const waiting = model.waitingRequests > 0 ? `${model.waitingRequests} waiting` : undefined;
  const requests = countOf(model.activeRequests, 'request');
  const pinned = model.isPinned ? 'pinned' : undefined;
  switch (model.state) {
    case 'starting':
      return ['starting', waiting, pinned];
    case 'loading': {
      const { loadProgress } = model;
      const progress = loadProgress === null ? 'loading' : `loading ${Math.round(Math.min(1, loadProgress) * 100)} %`;
      return [progress, waiting, pinned];
    }
    case 'draining':
      return [model.activeRequests > 0 ? `finishing ${requests}` : 'finishing', waiting];
    case 'stopping':
      return ['stopping', waiting];
    case 'ready':
      return [
        model.activeRequests > 0 ? requests : pinned === undefined ? idleText(model, nowMs) : undefined,
        waiting,
        pinned,
      ];
    case 'off':
    case 'crashed':
    case 'failed':
      return [];
  }
}

function idleText(model: ModelView, nowMs: number): string {
  const idleMs = nowMs - Math.max(model.lastUsedAt ?? 0, model.stateSince);
  return idleMs < 2 * MINUTE_MS ? 'idle' : `idle ${formatDuration(Math.floor(idleMs / MINUTE_MS) * MINUTE_MS)}`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function residentItems(model: ModelView): TrayItem[] {
  const id = `model:${model.id}`;
  const eject = (mode: 'when-idle' | 'after-queue' | 'now', text: string): TrayItem =>
    item(`${id}:eject-${mode}`, text, { do: 'eject', model: model.id, mode });
  const pin = model.isPinned
    ? item(`${id}:unpin`, 'Unpin', { do: 'unpin', model: model.id })
    : item(`${id}:pin`, 'Pin', { do: 'pin', model: model.id });
  switch (model.state) {
    case 'starting':
    case 'loading':
      return [
        item(`${id}:cancel-load`, 'Cancel loading', { do: 'cancel-load', model: model.id }),
        pin,
        separator,
        ...showItems(model),
      ];
    case 'ready':
      return [
        eject('when-idle', 'Eject when idle'),
        eject('after-queue', 'Eject after queue'),
        eject('now', 'Eject now'),
        separator,
        pin,
        separator,
        ...showItems(model),
      ];
    case 'draining':
      return [eject('now', 'Eject now'), separator, ...showItems(model)];
    case 'stopping':
    case 'off':
    case 'crashed':
    case 'failed':
      return showItems(model);
  }
}

function showItems(model: ModelView): TrayItem[] {
  const id = `model:${model.id}`;
  return [
    item(`${id}:logs`, 'Logs', { do: 'open', page: logsPage(model.id) }),
    item(`${id}:show`, 'Show in Corral', { do: 'open', page: modelPage(model.id) }),
  ];
}
