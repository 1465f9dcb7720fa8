import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestFolder, eventually, fakeModel, type TestFolder } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { peakDuring, startWatchedCorral, type WatchedCorral } from '../support/watched-corral-linux.ts';

const MB = 1e6;

let folder: TestFolder;
let corral: WatchedCorral | undefined;
beforeEach(async () => {
  folder = await createTestFolder();
  corral = undefined;
});
afterEach(async () => {
  await corral?.end('SIGTERM');
  await folder.dispose();
});

interface Stats {
  readonly requests: number;
  readonly inFlight: number;
  readonly aborted: number;
  readonly completed: number;
}

async function statsOf(address: string): Promise<Stats> {
  const response = await fetch(`http://${address}/fake/stats`);
  return (await response.json()) as Stats;
}

/** A chat request on a connection of its own. */
function send(address: string, isStreaming: boolean): http.ClientRequest {
  const request = http.request(`${address}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  request.on('error', () => undefined); // Broken off by the test itself; what is left behind is looked at.
  request.end(JSON.stringify({ model: 'one', stream: isStreaming, messages: [] }));
  return request;
}

// The figures of a process come from /proc.
describe.runIf(process.platform === 'linux')('Corral as a process of its own', () => {
  const count = scaled({ short: 1000, long: 10_000 });

  it(`P1 ${count} requests with random aborts leave nothing in flight, no descriptors and no heap ${form}`, async () => {
    const running = await startWatchedCorral(folder, {
      models: { one: fakeModel({ tokens: 20, tokenDelayMs: 2, responseDelayMs: 5, slots: 16 }) },
    });
    corral = running;
    await running.bridge.call('load-model', { model: 'one' });
    const upstream = await running.modelAddress('one');
    const random = createSeededRandom(1);
    let answered = 0;

    async function askOnce(): Promise<void> {
      const request = send(running.address, random() < 0.5);
      const closed = new Promise((resolve) => void request.once('close', resolve));
      // An answer takes about 60 ms once it has a slot: some are broken off in the queue, some before the head, most
      // within the stream, and the last quarter is left to its end.
      const timer = random() < 0.75 ? setTimeout(() => request.destroy(), random() * 120) : undefined;
      request.on('response', (response: IncomingMessage) => {
        response.on('error', () => undefined); // As above.
        response.on('end', () => (answered += response.statusCode === 200 ? 1 : 0)).resume();
      });
      await closed;
      clearTimeout(timer);
    }
    async function askMany(total: number): Promise<void> {
      let left = total;
      const worker = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          await askOnce();
        }
      };
      await Promise.all(Array.from({ length: 40 }, worker));
    }
    const atRest = async (): Promise<boolean> => {
      const [{ models, queue }, { inFlight }] = await Promise.all([
        running.bridge.call('get-snapshot', {}),
        statsOf(upstream),
      ]);
      return inFlight === 0 && queue.length === 0 && models.every(({ activeRequests }) => activeRequests === 0);
    };

    // What is made once (compiled code, the ring of request records) is no leak.
    await askMany(500);
    await eventually('the first requests are over', atRest);
    await sleep(3000); // Idle connections to the model's server are closed by then.
    const before = { ...(await running.probe()), descriptors: await running.descriptorCount() };
    answered = 0;
    await askMany(count);
    await eventually('nothing is in flight', atRest, 1000);

    expect(answered, 'answers that came whole').toBeGreaterThan(count * 0.1);
    expect(answered, 'answers that came whole').toBeLessThan(count * 0.6);
    await eventually(
      'the descriptors are closed',
      async () => Math.abs((await running.descriptorCount()) - before.descriptors) <= 2,
    );
    const { heapBytes } = await running.probe();
    expect((heapBytes - before.heapBytes) / MB).toBeLessThan(10);
    const { aborted } = await statsOf(upstream);
    expect(aborted, 'some reached the model before they were broken off').toBeGreaterThan(count * 0.1);
  }, 300_000);

  async function readStream(address: string, enoughBytes = Number.POSITIVE_INFINITY): Promise<number> {
    const request = send(address, true);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > enoughBytes) break;
    }
    return bytes;
  }

  /** Compiled code, and the buffers of a stream that wait for their collection, are there from then on. */
  async function warmUp(address: string): Promise<void> {
    await readStream(address, 40 * MB);
    await sleep(500);
  }

  /** 3,200 tokens of 64 kB: the 200 MB of the promise, which take two seconds. */
  const bulky = { models: { one: fakeModel({ tokens: 3200, tokenBytes: 64_000 }) } };

  it('P3 a stream of 200 MB passes without piling up in memory', async () => {
    const running = await startWatchedCorral(folder, bulky);
    corral = running;
    await warmUp(running.address);
    const beforeBytes = await running.rssBytes();
    const whole = readStream(running.address);
    const peakBytes = await peakDuring(running.rssBytes, whole);
    expect(await whole).toBeGreaterThan(200 * MB);
    expect((peakBytes - beforeBytes) / MB).toBeLessThan(20);
  });

  it('P3 a client that never reads holds the model back, and nothing piles up in memory', async () => {
    const running = await startWatchedCorral(folder, bulky);
    corral = running;
    await running.bridge.call('load-model', { model: 'one' });
    const upstream = await running.modelAddress('one');
    await warmUp(running.address);
    const { requests } = await statsOf(upstream);
    const beforeBytes = await running.rssBytes();
    const request = send(running.address, true);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    const peakBytes = await peakDuring(running.rssBytes, sleep(3000));
    // A proxy without backpressure has taken in all of it by now: see how long the test above takes.
    expect(await statsOf(upstream)).toMatchObject({ requests: requests + 1, inFlight: 1 });
    expect((peakBytes - beforeBytes) / MB).toBeLessThan(20);
    response.destroy();
    await eventually('the model is told', async () => (await statsOf(upstream)).inFlight === 0, 250);
  });

  it('P10 SIGTERM cuts none of 20 streams within the grace period, refuses new ones with 503, and is gone in time', async () => {
    const graceMs = 4000;
    const running = await startWatchedCorral(folder, {
      server: { timeouts: { shutdown: `${graceMs}ms` } },
      memory: { maxLoaded: 2 },
      models: {
        one: fakeModel({ name: 'one', tokens: 50, tokenDelayMs: 30, slots: 20 }, { concurrency: 20 }),
        endless: fakeModel({ tokens: 100_000, tokenDelayMs: 20 }),
      },
    });
    corral = undefined; // It is ended here.
    const open = (model: string): Promise<Response> => running.post({ model, stream: true, messages: [] });
    await Promise.all(['one', 'endless'].map((model) => running.bridge.call('load-model', { model })));
    const streams = await Promise.all(Array.from({ length: 20 }, () => open('one')));
    const endless = await open('endless');
    const texts = Promise.all(streams.map((response) => response.text()));
    const cut = endless.text().then((text) => ({ text, atMs: performance.now() }));
    const startMs = performance.now();
    const ended = running.end('SIGTERM');
    await sleep(300);
    const late = await open('one');
    expect(late.status).toBe(503);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await late.json()).toMatchObject({ error: { code: 'shutting_down' } });
    for (const text of await texts) {
      expect(text.match(/one-token-\d+ /g)).toHaveLength(50);
      expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    }
    const { text, atMs } = await cut;
    expect(atMs - startMs).toBeGreaterThan(graceMs - 250);
    expect(text).toContain('"code":"shutting_down"');
    expect(text).not.toContain('[DONE]');
    const { exitCode, tookMs } = await ended;
    expect(exitCode).toBe(0);
    expect(tookMs).toBeLessThan(graceMs + 1000);
  });
});
