import { PassThrough } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { NumberedEvent } from '#shared/contract/events.ts';
import { createSwapLogs, sourcesOf } from '../../../../electron/engine/dialects/llama-swap/logs.ts';
import { createLogRing } from '../../../../electron/engine/process/log-ring.ts';

function createWorld() {
  const rings = new Map<string, ReturnType<typeof createLogRing>>();
  const listeners = new Set<(event: NumberedEvent) => void>();
  let at = 0;
  const ring = (source: string): ReturnType<typeof createLogRing> => {
    const found = rings.get(source) ?? createLogRing({ maxLines: 10_000, maxCharacters: 2 ** 21 });
    rings.set(source, found);
    return found;
  };
  return {
    listeners,
    write(source: string, text: string): void {
      const lastLine = ring(source).append('stdout', text, (at += 1));
      for (const listener of listeners) listener({ sequence: at, event: { type: 'log-appended', source, lastLine } });
    },
    logs: createSwapLogs({
      readLogs: (source, range) => ring(source).read(range),
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    }),
  };
}

/** As much of a response as a stream of text needs. */
function fakeResponse(highWaterMark = 2 ** 20): { response: ServerResponse; text(): string; stream: PassThrough } {
  const stream = new PassThrough({ highWaterMark });
  const response = Object.assign(stream, { writeHead: () => stream, flushHeaders: () => undefined });
  return {
    stream,
    response: response as unknown as ServerResponse,
    text: () => (stream.read() as Buffer | null)?.toString() ?? '',
  };
}

const all = { sources: ['corral', 'a'], isWanted: () => true, hasHistory: true, format: 'text' } as const;

describe('the history', () => {
  it('has the lines of all sources in the order in which they came', () => {
    const { logs, write } = createWorld();
    write('corral', 'one');
    write('a', 'two');
    write('corral', 'three');
    write('b', 'of nobody’s interest');
    expect(logs.history(['corral', 'a'])).toBe('one\ntwo\nthree\n');
    expect(logs.history(['nothing yet'])).toBe('');
  });

  it('counts bytes, not lines, and cuts a line only if it is longer than all of it', () => {
    const { logs, write } = createWorld();
    for (let count = 0; count < 400; count += 1) write('a', `${count} ${'ä'.repeat(50)}`);
    const text = logs.history(['a']);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(10_240);
    expect(Buffer.byteLength(text)).toBeGreaterThan(10_000);
    expect(text).toMatch(/^\d+ ä+\n/);
    expect(text).toMatch(/\n399 ä+\n$/);
    write('b', 'x'.repeat(20_000));
    expect(Buffer.byteLength(logs.history(['b']))).toBe(10_240);
  });
});

describe('a stream', () => {
  it('begins with the history and goes on with each line, once', () => {
    const { logs, write } = createWorld();
    write('a', 'before');
    const { response, text } = fakeResponse();
    logs.stream(response, all);
    expect(text()).toBe('before\n');
    write('a', 'after');
    write('corral', 'own');
    expect(text()).toBe('after\nown\n');
  });

  it('leaves the history out, and what is not wanted', () => {
    const { logs, write } = createWorld();
    write('a', 'before');
    const { response, text } = fakeResponse();
    logs.stream(response, { ...all, hasHistory: false, isWanted: (source) => source === 'a' });
    write('corral', 'own');
    write('a', 'after');
    expect(text()).toBe('after\n');
  });

  it('is one event a line where events are asked for', () => {
    const { logs, write } = createWorld();
    write('a', 'one');
    write('a', 'two');
    const { response, text } = fakeResponse();
    logs.stream(response, { ...all, format: 'events' });
    write('a', 'three');
    expect(text()).toBe('event: message\ndata: one\ndata: two\n\nevent: message\ndata: three\n\n');
  });

  it('waits for a slow reader and then has everything', () => {
    const { logs, write } = createWorld();
    const { response, text, stream } = fakeResponse(2 ** 22);
    logs.stream(response, all);
    const line = 'x'.repeat(1000);
    for (let count = 0; count < 1000; count += 1) write('a', `${count} ${line}`);
    expect(stream.writableLength).toBeLessThan(512 * 1024);
    let received = '';
    for (let turn = 0; turn < 100 && !received.includes('\n999 '); turn += 1) {
      received += text();
      stream.emit('drain');
    }
    expect(received.split('\n').filter((each) => each !== '')).toHaveLength(1000);
  });

  it('ends with its client, and with everything', () => {
    const { logs, listeners } = createWorld();
    const [one, other] = [fakeResponse(), fakeResponse()];
    logs.stream(one.response, all);
    logs.stream(other.response, all);
    one.stream.emit('close');
    expect(listeners.size).toBe(1);
    logs.close();
    expect(listeners.size).toBe(0);
    expect(other.stream.writableEnded).toBe(true);
  });
});

describe('sourcesOf', () => {
  it.each([
    [undefined, ['corral', 'a', 'org/b']],
    ['proxy', ['corral']],
    ['upstream', ['a', 'org/b']],
    ['org/b', ['org/b']],
    ['corral', undefined],
    ['nobody', undefined],
  ])('%s', (name, sources) => {
    expect(sourcesOf(name, ['a', 'org/b'])).toEqual(sources);
  });
});
