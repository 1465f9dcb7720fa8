import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestFolder, fakeModel, startCorral, type TestCorral } from '../support/corral.ts';
import { form, scaled } from '../support/scale.ts';
import { createSeededRandom } from '../support/seeded-random.ts';

let corral: TestCorral;
afterEach(() => corral.stop());

describe('connections to a model’s process', () => {
  const atOnce = 50;
  const rounds = scaled({ short: 6, long: 100 });

  it(`P5 ${rounds * atOnce} POSTs around the moment at which the server closes idle connections meet no reset, and none is sent twice ${form}`, async () => {
    const folder = await createTestFolder();
    const record = path.join(folder.path, 'requests.jsonl');
    const advertisedMs = 1000;
    corral = await startCorral(
      {
        models: {
          // The delay keeps all of a round in flight together, so that each has a connection of its own.
          one: fakeModel(
            { keepAliveMs: advertisedMs, responseDelayMs: 60, slots: atOnce, record },
            { concurrency: atOnce },
          ),
        },
      },
      { folder },
    );
    await corral.bridge.call('load-model', { model: 'one' });
    const random = createSeededRandom(5);
    const statuses = new Map<string, number>();
    let number = 0;
    const ask = async (): Promise<void> => {
      number += 1;
      const outcome = await corral
        .post('/v1/chat/completions', { model: 'one', messages: [] }, { headers: { 'x-number': String(number) } })
        .then(
          async (response) => (await response.text(), String(response.status)),
          (thrown: unknown) => String(thrown),
        );
      statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
    };
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(Array.from({ length: atOnce }, ask));
      if (round === rounds - 1) break;
      // Every third round around half of what it advertises, up to which a connection is trusted.
      if (round % 3 === 2) {
        await sleep(advertisedMs / 2 - 30 + random() * 40);
        continue;
      }
      // In the others the server is held still while its connections time out and the next requests arrive: it closes
      // those connections with requests unread in them, which is the race at its worst.
      await sleep(advertisedMs - 60);
      const { pid } = corral.model('one');
      process.kill(pid ?? 0, 'SIGSTOP');
      setTimeout(() => process.kill(pid ?? 0, 'SIGCONT'), 120);
    }
    expect(Object.fromEntries(statuses)).toEqual({ 200: rounds * atOnce });
    const lines = (await readFile(record, 'utf8')).trim().split('\n');
    const arrived = lines
      .map((line) => JSON.parse(line) as { event: string; headers?: Record<string, string> })
      .filter(({ event }) => event === 'request')
      .map(({ headers }) => Number(headers?.['x-number']));
    expect(arrived.sort((one, other) => one - other)).toEqual(Array.from({ length: number }, (_, index) => index + 1));
  }, 300_000);

  const waitMs = scaled({ short: 1500, long: 400_000 });

  it(`P6 an answer whose head comes after ${waitMs / 1000} s is waited for ${form}`, async () => {
    corral = await startCorral({ models: { one: fakeModel({ responseDelayMs: waitMs }) } });
    // Not `fetch`, which gives up after 300 s itself.
    const request = http.request(`${corral.address}/v1/chat/completions`, { method: 'POST', agent: false });
    request.end('{"model":"one","messages":[]}');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await once(response, 'end');
  }, 460_000);

  const splits = scaled({ short: 2000, long: 100_000 });

  it(`P11 ${splits} random splits of UTF-8 and events come out byte for byte ${form}`, async () => {
    corral = await startCorral({ models: { one: fakeModel({ slots: 8 }, { concurrency: 8 }) } });
    await corral.bridge.call('load-model', { model: 'one' });
    const random = createSeededRandom(11);
    const below = (limit: number): number => Math.floor(random() * limit);
    const pieces = [
      'data: {"content":"ü 模型 🐎🏽‍♀️ \\n"}\n\n',
      'data: [DONE]\n\n',
      ': comment\n\n',
      'event: x\r\ndata: y\r\n\r\n',
      '🐎🐎',
      '\u0000',
      '\r',
      '\n',
      'ä',
      'e\u0301',
      '\uFEFF',
      'data: ',
    ];
    const differing: string[] = [];
    let left = splits;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const whole = Buffer.from(
          Array.from({ length: 1 + below(10) }, () => pieces[below(pieces.length)] ?? '').join(''),
        );
        const cuts = Array.from({ length: below(8) }, () => below(whole.length + 1));
        const edges = [0, ...cuts.sort((one, other) => one - other), whole.length];
        const parts = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge).toString('base64'));
        const response = await corral.post('/v1/chat/completions', { model: 'one', fake_parts: parts });
        const got = Buffer.from(await response.arrayBuffer());
        if (!got.equals(whole)) differing.push(`${JSON.stringify(parts)} became ${got.toString('base64')}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(differing).toEqual([]);
  }, 600_000);
});
