import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AppError } from '#shared/contract/errors.ts';
import type { QueueEntryView } from '#shared/contract/snapshot.ts';
import { followQueue } from '../../../../electron/cli/verbs/queue.ts';
import { createContext, createRecordingTerminal } from '../support/recording-terminal.ts';
import { createScriptedBridge, type ScriptedBridge } from '../support/scripted-bridge.ts';
import { NOW_MS, queueEntry, snapshotOf } from '../../../fakes/views.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Follows a queue that the test changes. */
function follow({
  bridge = createScriptedBridge({}),
  ...changes
}: Parameters<typeof createContext>[0] & { bridge?: ScriptedBridge } = {}) {
  const abort = new AbortController();
  const context = createContext({ ...changes, signal: abort.signal });
  const ended = followQueue(bridge, context);
  return {
    bridge,
    abort,
    ended,
    terminal: context.terminal,
    connect: (...queue: QueueEntryView[]) => bridge.update({ snapshot: snapshotOf({ queue }), event: undefined }),
    change: (...queue: QueueEntryView[]) =>
      bridge.update({ snapshot: snapshotOf({ queue }), event: { type: 'queue-changed', queue } }),
  };
}

const ids = (text: string): string[] => [...text.matchAll(/ (r\d) /g)].map(([, id]) => id ?? '');

describe('corral queue --follow', () => {
  it('prints the queue, and again when it changes, until it is interrupted', async () => {
    const { bridge, abort, ended, terminal, connect, change } = follow();
    connect(queueEntry({ id: 'r1' }));
    bridge.update({ snapshot: snapshotOf(), event: { type: 'log-appended', source: 'a', lastLine: 1 } });
    change(queueEntry({ id: 'r2', position: 2 }), queueEntry({ id: 'r1' }));
    const tables = terminal.output.split('\n\n');
    expect(tables.map(ids)).toEqual([['r1'], ['r1', 'r2'], []]);
    abort.abort();
    await ended;
    expect(bridge.subscriberCount).toBe(0);
  });

  it('is one list a line for programs', async () => {
    const { abort, ended, terminal, connect, change } = follow({ isJson: true });
    const entry = queueEntry({ id: 'r1' });
    connect(entry);
    change();
    expect(
      terminal.output
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([[entry], []]);
    abort.abort();
    await ended;
  });

  it('keeps ages and expected waits going on a terminal, and shows the newest alone', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    let nowMs = NOW_MS;
    const terminal = createRecordingTerminal({ isOutputTty: true });
    const { abort, ended, connect } = follow({ terminal, wallMs: () => nowMs });
    connect(queueEntry({ expectedWaitMs: 5000 }));
    nowMs += 1000;
    vi.advanceTimersByTime(1000);
    const [before, first, second] = terminal.output.split('\u001b[H\u001b[J');
    expect(before).toBe('');
    expect(first).toMatch(/ 2\.0 s +5\.0 s /);
    expect(second).toMatch(/ 3\.0 s +4\.0 s /);
    abort.abort();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes on over a connection that broke, and ends without an error when Corral has ended', async () => {
    let failure = new AppError('upstream-unavailable', 'It broke off.');
    const bridge = createScriptedBridge({
      'get-snapshot': () => {
        throw failure;
      },
    });
    const { ended, terminal, connect } = follow({ bridge });
    connect(queueEntry({ id: 'r1' }));
    bridge.disconnect();
    await settle();
    connect(queueEntry({ id: 'r2' }));
    expect(terminal.output.split('\n\n').map(ids)).toEqual([['r1'], ['r2'], []]);
    failure = new AppError('upstream-unavailable', 'Not running.', { details: { reason: 'not-running' } });
    bridge.disconnect();
    await ended;
    expect(terminal.errors).toBe('corral: Corral has ended, and so has its queue\n');
    expect(bridge.subscriberCount).toBe(0);
  });

  it('fails where there was no Corral in the first place', async () => {
    const bridge = createScriptedBridge({
      'get-snapshot': () => {
        throw new AppError('upstream-unavailable', 'Not running.', { details: { reason: 'not-running' } });
      },
    });
    const { ended } = follow({ bridge });
    bridge.disconnect();
    await expect(ended).rejects.toMatchObject({ message: 'Not running.' });
  });

  it('fails with what else is wrong', async () => {
    const bridge = createScriptedBridge({
      'get-snapshot': () => {
        throw new AppError('unauthorized', 'The token is another.');
      },
    });
    const { ended } = follow({ bridge });
    bridge.disconnect();
    await expect(ended).rejects.toMatchObject({ code: 'unauthorized' });
    expect(bridge.subscriberCount).toBe(0);
  });

  it('does not begin where it was interrupted before', async () => {
    const bridge = createScriptedBridge({});
    await followQueue(bridge, createContext({ signal: AbortSignal.abort() }));
    expect(bridge.subscriberCount).toBe(0);
  });
});
