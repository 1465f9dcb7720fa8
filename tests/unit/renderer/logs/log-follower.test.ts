import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Bridge } from '#shared/contract/bridge.ts';
import { commands, type LogLine } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import { createLogBuffer } from '../../../../renderer/features/logs/log-buffer.ts';
import { createLogFollower } from '../../../../renderer/features/logs/log-follower.ts';

/** A log as the engine keeps it: the newest lines only, numbered from 1. */
function createFakeEngine({ keeps = 10_000 } = {}) {
  let last = 0;
  const requests: { after: number; before: number | undefined }[] = [];
  let failure: AppError | undefined;
  const call = (name: string, request: unknown): Promise<unknown> => {
    expect(name).toBe('read-logs');
    const { after, before, limit } = commands['read-logs'].request.parse(request);
    requests.push({ after, before });
    if (failure !== undefined) return Promise.reject(failure);
    const from = Math.max(after, last - keeps);
    const to = Math.min(last, (before ?? Infinity) - 1);
    const lines: LogLine[] = [];
    for (let number = Math.max(from, to - limit) + 1; number <= to; number += 1) {
      lines.push({ number, at: 0, stream: 'stdout', text: `line ${number}` });
    }
    return Promise.resolve({ lines, hasEarlier: (lines[0]?.number ?? from + 1) > after + 1 });
  };
  return {
    bridge: { call, subscribe: () => () => undefined, close: () => undefined } as Bridge,
    requests,
    write: (count: number) => void (last += count),
    fail: (error: AppError | undefined) => void (failure = error),
  };
}

function follow(engine: ReturnType<typeof createFakeEngine>, maxLines = 100_000) {
  const buffer = createLogBuffer({ maxLines });
  const onChange = vi.fn();
  const follower = createLogFollower({ bridge: engine.bridge, source: 'qwen3', buffer, onChange });
  return { buffer, follower, onChange };
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('following a log', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('begins with the newest lines and asks from then on for what is new alone', async () => {
    const engine = createFakeEngine();
    engine.write(5000);
    const { buffer, follower } = follow(engine);
    follower.poke();
    await settle();
    expect([buffer.firstNumber(), buffer.lastNumber(), buffer.beginning()]).toEqual([3001, 5000, 'more']);
    engine.write(10);
    follower.poke();
    await vi.advanceTimersByTimeAsync(100);
    expect(buffer.lastNumber()).toBe(5010);
    expect(engine.requests.at(-1)).toEqual({ after: 5000, before: undefined });
    follower.close();
  });

  test('a flood of news costs ten fetches a second at most', async () => {
    const engine = createFakeEngine();
    const { buffer, follower } = follow(engine);
    for (let step = 0; step < 200; step += 1) {
      engine.write(20);
      follower.poke();
      await vi.advanceTimersByTimeAsync(5);
    }
    expect(engine.requests.length).toBeLessThanOrEqual(11);
    await vi.advanceTimersByTimeAsync(100);
    expect([buffer.length(), buffer.lastNumber()]).toEqual([4000, 4000]);
    follower.close();
  });

  test('more than a batch is fetched backwards until nothing is missing', async () => {
    const engine = createFakeEngine();
    engine.write(100);
    const { buffer, follower } = follow(engine);
    follower.poke();
    await vi.advanceTimersByTimeAsync(100);
    engine.write(5000);
    follower.poke();
    await settle();
    expect([buffer.length(), buffer.lastNumber()]).toEqual([5100, 5100]);
    follower.close();
  });

  test('what the engine no longer has is told, not passed over', async () => {
    const engine = createFakeEngine({ keeps: 1000 });
    engine.write(100);
    const { buffer, follower } = follow(engine);
    follower.poke();
    await vi.advanceTimersByTimeAsync(100);
    engine.write(5000);
    follower.poke();
    await settle();
    expect(buffer.length()).toBe(100 + 1 + 1000);
    expect(buffer.lineAt(100)?.missing).toBe(4000);
    follower.close();
  });

  test('pages backwards to the beginning of the log', async () => {
    const engine = createFakeEngine();
    engine.write(5000);
    const { buffer, follower } = follow(engine);
    follower.poke();
    await settle();
    await Promise.all([follower.loadEarlier(), follower.loadEarlier()]);
    expect(buffer.firstNumber()).toBe(1001);
    await follower.loadEarlier();
    expect([buffer.firstNumber(), buffer.beginning()]).toEqual([1, 'whole']);
    const asked = engine.requests.length;
    await follower.loadEarlier();
    expect(engine.requests.length).toBe(asked);
    follower.close();
  });

  test('knows when earlier lines are gone from memory', async () => {
    const engine = createFakeEngine({ keeps: 500 });
    engine.write(5000);
    const { buffer, follower } = follow(engine);
    follower.poke();
    await settle();
    await follower.loadEarlier();
    expect(buffer.beginning()).toBe('lost');
    follower.close();
  });

  test('a failure is kept until an attempt succeeds, and no line is lost by it', async () => {
    const engine = createFakeEngine();
    engine.write(10);
    const { buffer, follower, onChange } = follow(engine);
    engine.fail(new AppError('upstream-unavailable', 'gone'));
    follower.poke();
    await settle();
    expect(follower.error()?.code).toBe('upstream-unavailable');
    expect([onChange.mock.calls.length, follower.hasAnswer()]).toEqual([1, false]);
    engine.fail(undefined);
    follower.poke();
    await vi.advanceTimersByTimeAsync(100);
    expect([follower.error(), buffer.length(), follower.hasAnswer()]).toEqual([undefined, 10, true]);
    follower.close();
  });

  test('closed, it neither asks nor tells', async () => {
    const engine = createFakeEngine();
    engine.write(10);
    const { follower, onChange } = follow(engine);
    follower.poke();
    follower.close();
    await vi.advanceTimersByTimeAsync(1000);
    follower.poke();
    await vi.advanceTimersByTimeAsync(1000);
    expect(onChange).not.toHaveBeenCalled();
    expect(engine.requests.length).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
