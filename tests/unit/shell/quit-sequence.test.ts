import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQuitSequence } from '../../../electron/shell/quit-sequence.ts';

/** A sequence whose engine stops when told to, with a record of what happened in which order. */
function setUp(options: { hasTrouble?: boolean } = {}) {
  const happened: string[] = [];
  let settle: () => void = () => undefined;
  let answer: (isHurried: boolean) => void = () => undefined;
  const stopped = new Promise<void>((resolve, reject) => {
    settle = () => (options.hasTrouble === true ? reject(new Error('a child would not end')) : resolve());
  });
  const quit = createQuitSequence({
    closeWindow: () => void happened.push('window closed'),
    stopEngine(isHurried) {
      happened.push(isHurried ? 'engine hurried' : 'engine stops');
      return stopped;
    },
    waitsFor: () => '2 running requests',
    askToHurry(waitsFor, signal) {
      happened.push(`asked: ${waitsFor}`);
      signal.addEventListener('abort', () => happened.push('question taken away'));
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    closeShell() {
      happened.push('shell closed');
      return Promise.resolve();
    },
    exit: (code) => void happened.push(`exit ${code}`),
    log: () => undefined,
  });
  return { quit, happened, endEngine: () => settle(), answer: (isHurried: boolean) => answer(isHurried) };
}

describe('createQuitSequence', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('closes the window, stops the engine, closes the shell and exits, in this order', async () => {
    const { quit, happened, endEngine } = setUp();
    expect(quit.hasBegun()).toBe(false);
    quit.begin();
    expect(quit.hasBegun()).toBe(true);
    endEngine();
    await vi.runAllTimersAsync();
    expect(happened).toEqual(['window closed', 'engine stops', 'shell closed', 'exit 0']);
    expect(quit.hasEnded()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for the engine, says so after a moment, and takes the message away again', async () => {
    const { quit, happened, endEngine } = setUp();
    quit.begin();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(happened).toEqual(['window closed', 'engine stops', 'asked: 2 running requests']);
    endEngine();
    await vi.runAllTimersAsync();
    expect(happened.slice(3)).toEqual(['question taken away', 'shell closed', 'exit 0']);
  });

  it('hurries when the user asks for it', async () => {
    const { quit, happened, endEngine, answer } = setUp();
    quit.begin();
    await vi.advanceTimersByTimeAsync(3000);
    answer(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(happened).toContain('engine hurried');
    endEngine();
    await vi.advanceTimersByTimeAsync(0);
    expect(happened.at(-1)).toBe('exit 0');
  });

  it('does not hurry when the user would rather wait', async () => {
    const { quit, happened, answer } = setUp();
    quit.begin();
    await vi.advanceTimersByTimeAsync(3000);
    answer(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(happened).not.toContain('engine hurried');
  });

  it('hurries once at the second quit, and ends even if the engine never does', async () => {
    const { quit, happened } = setUp();
    quit.begin();
    quit.begin();
    quit.begin();
    expect(happened.filter((each) => each === 'engine hurried')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(happened.filter((each) => each.startsWith('exit'))).toEqual(['exit 1']);
  });

  it('exits with 1 if the engine could not be stopped in order, with everything else closed', async () => {
    const { quit, happened, endEngine } = setUp({ hasTrouble: true });
    quit.begin();
    endEngine();
    await vi.runAllTimersAsync();
    expect(happened).toEqual(['window closed', 'engine stops', 'shell closed', 'exit 1']);
  });

  it('stops without exiting for an update, and exits no more by itself', async () => {
    const { quit, happened, endEngine } = setUp();
    const stopping = quit.stopAll();
    endEngine();
    await stopping;
    expect(quit.hasEnded()).toBe(true);
    expect(happened).toEqual(['window closed', 'engine stops', 'shell closed']);
  });
});
