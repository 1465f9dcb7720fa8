import type { Snapshot } from '#shared/contract/snapshot.ts';
import { isResident } from '#shared/model/model-state.ts';
import { shortName } from './plain-text.ts';

export type TrayIconState = 'idle' | 'loading' | 'ready' | 'busy' | 'trouble';

/** A file of `build/tray`, up to the theme: while something loads, a quarter of the dot goes round. */
export type TrayPicture = Exclude<TrayIconState, 'loading'> | `loading-${Quarter}`;

export type Quarter = 1 | 2 | 3 | 4;

export interface TrayIcon {
  readonly state: TrayIconState;
  /** One line. */
  readonly tooltip: string;
}

/** What the icon says of the herd: trouble before loading, loading before work, work before rest. Pure. */
export function decideTrayIcon(snapshot: Snapshot | undefined): TrayIcon {
  if (snapshot === undefined) return icon('idle', 'starting');
  if (snapshot.instance.isShuttingDown) return icon('idle', 'stopping');
  const { engine, instance, models, queue, memory } = snapshot;
  const troubled = models.filter(({ state }) => state === 'crashed' || state === 'failed');
  const [firstTroubled] = troubled;
  if (engine.status === 'missing') return icon('trouble', 'there is no llama-server');
  if (instance.configErrors.length > 0) return icon('trouble', 'the configuration has an error');
  if (firstTroubled !== undefined) {
    const word = firstTroubled.state;
    return icon(
      'trouble',
      troubled.length === 1 ? `${shortName(firstTroubled.id)} ${word}` : `${troubled.length} models failed`,
    );
  }
  const counts = countsText(snapshot);
  const coming = models.filter(({ state }) => state === 'starting' || state === 'loading');
  const [firstComing] = coming;
  if (firstComing !== undefined) {
    return icon(
      'loading',
      `loading ${coming.length === 1 ? shortName(firstComing.id) : `${coming.length} models`}${counts}`,
    );
  }
  if (engine.status === 'installing') return icon('loading', 'getting llama.cpp');
  if (models.some(({ activeRequests }) => activeRequests > 0) || (queue.length > 0 && !memory.isGameMode)) {
    return icon('busy', counts.replace(/^, /, ''));
  }
  if (models.some(({ state }) => isResident(state))) return icon('ready', counts.replace(/^, /, ''));
  return icon('idle', memory.isGameMode ? `game mode${counts}` : 'nothing is loaded');
}

/** The picture of a state; `quarter` says how far it has turned. Pure. */
export function decideTrayPicture(state: TrayIconState, quarter: Quarter): TrayPicture {
  return state === 'loading' ? `loading-${quarter}` : state;
}

const nextQuarters = { 1: 2, 2: 3, 3: 4, 4: 1 } as const;

/** Clockwise. */
export function nextQuarter(quarter: Quarter): Quarter {
  return nextQuarters[quarter];
}

function icon(state: TrayIconState, text: string): TrayIcon {
  return { state, tooltip: `Corral: ${text}` };
}

/** `, 2 loaded, 1 request, 1 waiting`. */
function countsText({ models, queue }: Snapshot): string {
  const loaded = models.filter(({ state }) => state === 'ready' || state === 'draining' || state === 'stopping').length;
  const active = models.reduce((sum, { activeRequests }) => sum + activeRequests, 0);
  return [
    loaded > 0 ? `, ${loaded} loaded` : '',
    active > 0 ? `, ${active} ${active === 1 ? 'request' : 'requests'}` : '',
    queue.length > 0 ? `, ${queue.length} waiting` : '',
  ].join('');
}
