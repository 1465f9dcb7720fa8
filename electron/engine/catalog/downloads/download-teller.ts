import type { DownloadView } from '#shared/contract/downloads.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Download } from './download.ts';

export type DownloadListener = (view: DownloadView) => void;

/** Tells listeners how downloads stand: changes at once, progress as often as a person sees it. */
export interface DownloadTeller {
  tell(download: Download): void;
  /** Some of it came. May wait for the next telling, which is due within a second. */
  tellProgress(download: Download): void;
  subscribe(listener: DownloadListener): () => void;
  close(): void;
}

/** A person sees no difference. */
const TELL_EVERY_MS = 250;
/** What has come last is told by then, and that nothing comes any more. */
const QUIET_MS = 1000;

export function createDownloadTeller(clock: Clock): DownloadTeller {
  const listeners = new Set<DownloadListener>();
  /** Of those that come: when they were told of last, and what tells of them again. */
  const coming = new Map<Download, { readonly toldAtMs: number; readonly again: Timer }>();
  let isClosed = false;

  function tell(download: Download): void {
    coming.get(download)?.again.cancel();
    if (!isClosed && download.state === 'downloading' && download.abort?.signal.aborted === false) {
      coming.set(download, { toldAtMs: clock.nowMs(), again: clock.setTimer(QUIET_MS, () => tell(download)) });
    } else {
      coming.delete(download);
    }
    const view = download.view();
    for (const listener of listeners) listener(view);
  }

  return {
    tell,
    tellProgress(download) {
      const toldAtMs = coming.get(download)?.toldAtMs ?? Number.NEGATIVE_INFINITY;
      if (clock.nowMs() - toldAtMs >= TELL_EVERY_MS) tell(download);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      for (const { again } of coming.values()) again.cancel();
      coming.clear();
      listeners.clear();
    },
  };
}
