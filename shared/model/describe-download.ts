import type { DownloadView } from '../contract/downloads.ts';
import { formatDuration, formatSize } from './units.ts';

/** How a download stands, in one line: `3.2 of 8.1 GB, 41 MB/s, 2 min left`. Pure. */
export function describeDownload(download: DownloadView): string {
  const { state, totalBytes, receivedBytes, bytesPerSecond, remainingMs, detail, problem } = download;
  const amount = totalBytes === null ? undefined : `${formatSize(receivedBytes)} of ${formatSize(totalBytes)}`;
  switch (state) {
    case 'looking-up':
      return detail ?? 'looking for it';
    case 'downloading': {
      const pace = bytesPerSecond === null ? undefined : `${formatSize(bytesPerSecond)}/s`;
      const left = remainingMs === null ? undefined : `${formatDuration(remainingMs)} left`;
      return [amount, ...(detail === null ? [pace, left] : [detail])].filter((each) => each !== undefined).join(', ');
    }
    case 'verifying':
      return 'checking what has arrived';
    case 'paused':
      return amount === undefined ? 'paused' : `paused at ${amount}`;
    case 'failed':
      return problem?.message ?? 'failed';
    case 'finished':
      return totalBytes === null ? 'finished' : formatSize(totalBytes);
  }
}

/** 0 to 1; undefined until it is known how much there is. */
export function downloadPart({ totalBytes, receivedBytes }: DownloadView): number | undefined {
  return totalBytes === null || totalBytes === 0 ? undefined : receivedBytes / totalBytes;
}

/** Whether a download waits for somebody to go on. */
export function isStopped({ state }: DownloadView): boolean {
  return state === 'paused' || state === 'failed';
}
