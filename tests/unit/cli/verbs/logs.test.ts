import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '#shared/contract/commands.ts';
import { AppError } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { showLogs } from '../../../../electron/cli/verbs/logs.ts';
import { createContext } from '../support/recording-terminal.ts';
import { createScriptedBridge } from '../support/scripted-bridge.ts';
import { NOW_MS, modelView, snapshotOf } from '../../../fakes/views.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createLog(snapshot: Snapshot = snapshotOf()) {
  const all: LogLine[] = [];
  let failure: AppError | undefined;
  let kept = Number.POSITIVE_INFINITY;
  const bridge = createScriptedBridge({
    'read-logs': ({ after = 0, limit = 1000 }) => {
      if (failure !== undefined) throw failure;
      const lines = all.slice(-kept).filter((line) => line.number > after);
      return { lines: lines.slice(-limit), hasEarlier: lines.length > limit };
    },
  });
  return {
    bridge,
    all,
    keepOnly: (count: number) => void (kept = count),
    fail: (error: AppError | undefined) => void (failure = error),
    append: (...texts: string[]) => {
      for (const text of texts) all.push({ number: all.length + 1, at: NOW_MS, stream: 'stderr', text });
    },
    announce: (source: string) =>
      bridge.update({ snapshot, event: { type: 'log-appended', source, lastLine: all.length } }),
    connect: () => bridge.update({ snapshot, event: undefined }),
  };
}

/** What was printed, without the times. */
function textsOf(output: string): string[] {
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /, ''));
}

describe('showLogs', () => {
  it('prints the last lines of Corral itself, with their times', async () => {
    const log = createLog();
    log.append('one', 'two', '\u001b[31mthree\u001b[0m');
    const context = createContext();
    await showLogs(log.bridge, context, { name: undefined, lineCount: 2, isFollowing: false });
    expect(log.bridge.calls).toEqual([{ name: 'read-logs', request: { source: 'corral', limit: 2 } }]);
    expect(context.terminal.output).toMatch(/^2026-0\d-\d\d \d\d:\d\d:00 two\n/);
    expect(textsOf(context.terminal.output)).toEqual(['two', 'three']);
  });

  it('prints one JSON document a line for programs', async () => {
    const log = createLog();
    log.append('one', 'two');
    const context = createContext({ isJson: true });
    await showLogs(log.bridge, context, { name: 'qwen3', lineCount: 10, isFollowing: false });
    const lines = context.terminal.output.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(log.all);
  });

  it('shows nothing old with 0 lines, and follows from there', async () => {
    const log = createLog();
    log.append('old');
    const abort = new AbortController();
    const context = createContext({ signal: abort.signal });
    const shown = showLogs(log.bridge, context, { name: undefined, lineCount: 0, isFollowing: true });
    await settle();
    log.connect();
    log.append('new');
    log.announce('corral');
    await settle();
    abort.abort();
    await shown;
    expect(textsOf(context.terminal.output)).toEqual(['new']);
    expect(log.bridge.subscriberCount).toBe(0);
  });

  it('follows a model that is named by an alias, and no other', async () => {
    const log = createLog(snapshotOf({ models: [modelView({ id: 'qwen3-8b', aliases: ['qwen'] })] }));
    const abort = new AbortController();
    const context = createContext({ signal: abort.signal });
    const shown = showLogs(log.bridge, context, { name: 'qwen', lineCount: 5, isFollowing: true });
    await settle();
    log.append('line');
    log.announce('gemma');
    await settle();
    expect(context.terminal.output).toBe('');
    log.announce('qwen3-8b');
    await settle();
    abort.abort();
    await shown;
    expect(textsOf(context.terminal.output)).toEqual(['line']);
  });

  it('prints every line once and in order, however it comes and breaks', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constantFrom('announce', 'connect', 'disconnect', 'break', 'settle') }),
    );
    const run = async (
      steps: readonly ({ kind: string; count?: number } & object)[],
      before: number,
    ): Promise<void> => {
      const log = createLog();
      let written = 0;
      const write = (count: number): void =>
        log.append(...Array.from({ length: count }, () => `line ${(written += 1)}`));
      write(before);
      const abort = new AbortController();
      const context = createContext({ signal: abort.signal });
      const shown = showLogs(log.bridge, context, { name: undefined, lineCount: 100, isFollowing: true });
      await settle();
      for (const { kind, count = 0 } of steps) {
        if (kind === 'append') write(count);
        else if (kind === 'announce') log.announce('corral');
        else if (kind === 'connect') log.connect();
        else if (kind === 'disconnect') log.bridge.disconnect();
        else if (kind === 'break') {
          log.fail(new AppError('upstream-unavailable', 'The connection broke.'));
          log.bridge.disconnect();
          await settle();
          log.fail(undefined);
        } else await settle();
      }
      log.connect();
      await settle();
      abort.abort();
      await shown;
      expect(textsOf(context.terminal.output)).toEqual(log.all.map((line) => line.text));
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer({ min: 0, max: 3 }), run));
  });

  it('says how many lines it missed', async () => {
    const log = createLog();
    log.append('1');
    const abort = new AbortController();
    const context = createContext({ signal: abort.signal });
    const shown = showLogs(log.bridge, context, { name: undefined, lineCount: 5, isFollowing: true });
    await settle();
    log.append('2', '3', '4');
    log.keepOnly(1);
    log.connect();
    await settle();
    abort.abort();
    await shown;
    expect(textsOf(context.terminal.output)).toEqual(['1', '4']);
    expect(context.terminal.errors).toBe('corral: 2 lines came too fast to be shown\n');
  });

  it('ends without an error when Corral has ended', async () => {
    const log = createLog();
    const context = createContext();
    const shown = showLogs(log.bridge, context, { name: undefined, lineCount: 5, isFollowing: true });
    await settle();
    const gone = new AppError('upstream-unavailable', 'Corral is not running.', { details: { reason: 'not-running' } });
    log.fail(gone);
    log.bridge.disconnect();
    await shown;
    expect(context.terminal.errors).toBe('corral: Corral has ended, and so has its log\n');
    expect(log.bridge.subscriberCount).toBe(0);
  });

  it('fails for a log that does not exist', async () => {
    const log = createLog();
    log.fail(new AppError('not-found', 'There is no log "x".'));
    const shown = showLogs(log.bridge, createContext(), { name: 'x', lineCount: 5, isFollowing: true });
    await expect(shown).rejects.toMatchObject({ code: 'not-found' });
  });
});
