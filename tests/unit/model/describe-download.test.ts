import { describe, expect, it } from 'vitest';
import type { DownloadView } from '#shared/contract/downloads.ts';
import { describeDownload, downloadPart } from '../../../shared/model/describe-download.ts';
import { downloadView } from '../../fakes/views.ts';

describe('describeDownload', () => {
  it.each<[Partial<DownloadView>, string]>([
    [{}, '2.0 GB of 8.0 GB, 40.0 MB/s, 3 min left'],
    [{ bytesPerSecond: null, remainingMs: null }, '2.0 GB of 8.0 GB'],
    [
      { detail: 'trying again in 4 s: the connection was lost' },
      '2.0 GB of 8.0 GB, trying again in 4 s: the connection was lost',
    ],
    [{ state: 'looking-up', totalBytes: null }, 'looking for it'],
    [{ state: 'verifying' }, 'checking what has arrived'],
    [{ state: 'paused' }, 'paused at 2.0 GB of 8.0 GB'],
    [{ state: 'paused', totalBytes: null }, 'paused'],
    [{ state: 'failed', problem: { code: 'download-failed', message: 'Why.' } }, 'Why.'],
    [{ state: 'finished' }, '8.0 GB'],
  ])('%j is %s', (changes, text) => {
    expect(describeDownload(downloadView(changes))).toBe(text);
  });

  it('knows the part only once it knows the whole', () => {
    expect(downloadPart(downloadView())).toBe(0.25);
    expect(downloadPart(downloadView({ totalBytes: null }))).toBeUndefined();
  });
});
