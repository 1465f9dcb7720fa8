import { beforeEach, expect, it } from 'vitest';
import type { DownloadView } from '#shared/contract/downloads.ts';
import { createDownload, type Download } from '../../../../electron/engine/catalog/downloads/download.ts';
import {
  createDownloadTeller,
  type DownloadTeller,
} from '../../../../electron/engine/catalog/downloads/download-teller.ts';
import { createFakeClock, type FakeClock } from '../../../fakes/fake-clock.ts';

const MB = 1_000_000;

let clock: FakeClock;
let teller: DownloadTeller;
let download: Download;
let told: DownloadView[];

beforeEach(() => {
  clock = createFakeClock();
  teller = createDownloadTeller(clock);
  told = [];
  teller.subscribe((view) => told.push(view));
  download = createDownload({
    id: 'd1',
    source: { repo: 'user/repo', quant: undefined, file: undefined },
    startedAt: clock.wallMs(),
    clock,
  });
  download.plan = {
    origin: 'http://hub',
    commit: 'c',
    model: [{ path: 'model.gguf', sizeBytes: 100 * MB, digest: { algorithm: 'sha256', hex: 'a' } }],
  };
  download.state = 'downloading';
  download.abort = new AbortController();
  teller.tell(download);
  told.length = 0;
});

function receive(megabytes: number): void {
  download.noteReceived('model.gguf', megabytes * MB);
  teller.tellProgress(download);
}

it('tells progress four times a second at most, and what came last within a second', () => {
  for (let count = 1; count <= 10; count += 1) {
    clock.advance(100);
    receive(count);
  }
  expect(told.map(({ receivedBytes }) => receivedBytes / MB)).toEqual([3, 6, 9]);
  clock.advance(1000);
  expect(told.at(-1)?.receivedBytes).toBe(10 * MB);
});

it('tells that nothing comes any more, rather than the pace of a connection that stands', () => {
  for (let count = 1; count <= 10; count += 1) {
    clock.advance(250);
    receive(count);
  }
  expect(told.at(-1)?.bytesPerSecond).toBeGreaterThan(3 * MB);
  clock.advance(9000);
  expect(told.at(-1)).toMatchObject({ receivedBytes: 10 * MB, bytesPerSecond: null, remainingMs: null });
});

it.each<[string, () => void]>([
  ['is paused', () => (download.state = 'paused')],
  ['was cancelled', () => download.abort?.abort()],
])('sets no timer for one that %s', (_, end) => {
  end();
  teller.tell(download);
  expect(told).toHaveLength(1);
  expect(clock.timerCount()).toBe(0);
});

it('leaves no timer behind when it is closed', () => {
  teller.close();
  expect(clock.timerCount()).toBe(0);
  teller.tell(download);
  expect(clock.timerCount()).toBe(0);
  expect(told).toEqual([]);
});
