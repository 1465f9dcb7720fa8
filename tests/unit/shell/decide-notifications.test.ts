import { describe, expect, it } from 'vitest';
import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { decideNotifications } from '../../../electron/shell/decide-notifications.ts';
import { createNotificationBudget } from '../../../electron/shell/notification-budget.ts';
import { notificationBody } from '../../../electron/shell/notification-text.ts';
import { downloadView, modelView } from '../../fakes/views.ts';
import { herd, loaded, READY_ENGINE } from './support/views.ts';

const problem = { code: 'start-failed' as const, message: 'Out of memory while loading. Set a smaller contextSize.' };

function between(before: ModelView[], after: ModelView[]): unknown[] {
  return decideNotifications(herd(before), herd(after)).map(({ title, body, page }) => [title, body, page]);
}

function withErrors(snapshot: Snapshot, ...messages: string[]): Snapshot {
  const configErrors = messages.map((message) => ({ path: 'models.a.ttl', message }));
  return { ...snapshot, instance: { ...snapshot.instance, configErrors } };
}

describe('decideNotifications', () => {
  const id = 'qwen/3';
  const page = 'herd/qwen%2F3';

  it.each<[string, Partial<ModelView>, Partial<ModelView>, string]>([
    ['a crash', { state: 'ready' }, { state: 'crashed', problem }, 'qwen/3 stopped unexpectedly'],
    ['a crash while draining', { state: 'draining' }, { state: 'crashed', problem }, 'qwen/3 stopped unexpectedly'],
    ['a failed load', { state: 'loading' }, { state: 'crashed', problem }, 'qwen/3 could not be loaded'],
    ['a refused load', { state: 'starting' }, { state: 'off', problem }, 'qwen/3 could not be loaded'],
    ['a model given up', { state: 'loading' }, { state: 'failed', problem }, 'qwen/3 failed and was given up'],
    [
      'a crashed one given up',
      { state: 'crashed', problem },
      { state: 'failed', problem },
      'qwen/3 failed and was given up',
    ],
  ])('tells of %s', (_name, before, after, title) => {
    expect(between([modelView({ id, ...before })], [modelView({ id, ...after })])).toEqual([
      [title, problem.message, page],
    ]);
  });

  it.each<[string, Partial<ModelView>, Partial<ModelView>]>([
    ['a model that stays crashed', { state: 'crashed', problem }, { state: 'crashed', problem }],
    ['a model that stays failed', { state: 'failed', problem }, { state: 'failed', problem }],
    ['the reset of one', { state: 'failed', problem }, { state: 'off', problem: null }],
    ['an eject', { state: 'stopping' }, { state: 'off' }],
    ['a load that was called off', { state: 'starting' }, { state: 'off', problem: null }],
    ['a load', { state: 'loading' }, { state: 'ready' }],
    ['a known problem', { state: 'off', problem }, { state: 'off', problem }],
  ])('is silent about %s', (_name, before, after) => {
    expect(between([modelView(before)], [modelView(after)])).toEqual([]);
  });

  it('tells of downloads that were finished or failed, once', () => {
    const during = herd([], { downloads: [downloadView(), downloadView({ id: 'd2', source: 'user/other' })] });
    const after = herd([], {
      downloads: [
        downloadView({ state: 'finished' }),
        downloadView({ id: 'd2', source: 'user/other', state: 'failed', problem }),
      ],
    });
    expect(decideNotifications(during, after).map(({ title, body, page: at }) => [title, body, at])).toEqual([
      ['user/repo:Q4_K_M was downloaded', 'It can be loaded now. 8.0 GB.', 'catalog'],
      ['user/other could not be downloaded', problem.message, 'catalog'],
    ]);
    expect(decideNotifications(after, after)).toEqual([]);
    expect(decideNotifications(herd([]), herd([], { downloads: [downloadView({ state: 'failed' })] }))).toEqual([]);
  });

  it('is silent about a model that was not there before, and about everything at the end', () => {
    expect(between([], [modelView({ state: 'crashed', problem })])).toEqual([]);
    const end = herd([modelView({ id: 'a', state: 'crashed', problem })]);
    const stopping = { ...end, instance: { ...end.instance, isShuttingDown: true } };
    expect(decideNotifications(herd([loaded('a')]), stopping)).toEqual([]);
  });

  it('tells of a broken configuration, once for each distinct error', () => {
    const fine = herd([]);
    const [news] = decideNotifications(fine, withErrors(fine, 'is not a duration.', 'is another one.'));
    expect(news).toMatchObject({
      title: 'The configuration has an error',
      body: 'The last good one stays in use. models.a.ttl: is not a duration. And 1 more.',
      page: 'settings',
    });
    expect(decideNotifications(withErrors(fine, 'x'), withErrors(fine, 'x'))).toEqual([]);
    expect(decideNotifications(withErrors(fine, 'x'), withErrors(fine, 'y'))).toHaveLength(1);
    expect(decideNotifications(withErrors(fine, 'x'), fine)).toEqual([]);
  });

  it('tells that llama-server is missing, and that a download is done', () => {
    const withEngine = (engine: Snapshot['engine']): Snapshot => herd([], { engine });
    const missing = withEngine({ status: 'missing', reason: 'Nothing on PATH.', hint: 'Run `corral engine install`.' });
    const searching = withEngine({ status: 'searching' });
    const installing = withEngine({ status: 'installing', step: 'downloading' });
    const ready = withEngine(READY_ENGINE);
    expect(decideNotifications(searching, missing)).toMatchObject([
      { title: 'There is no llama-server to run models with', body: 'Nothing on PATH. Run `corral engine install`.' },
    ]);
    expect(decideNotifications(installing, ready)).toMatchObject([
      { title: 'llama.cpp is ready', body: 'Build b9999 was downloaded.' },
    ]);
    expect(decideNotifications(missing, missing)).toEqual([]);
    expect(decideNotifications(searching, ready)).toEqual([]);
  });

  it('shows names and reasons as text of one line, within measure', () => {
    const hostile = '<b>\u001b[31mx\u001b[0m</b>\n\u202e';
    const long = { code: 'internal' as const, message: `${hostile}${'y'.repeat(500)}` };
    const [news] = decideNotifications(
      herd([loaded(hostile)]),
      herd([modelView({ id: hostile, state: 'crashed', problem: long })]),
    );
    expect(news?.title).toBe('<b>x</b> stopped unexpectedly');
    expect(news?.body).toMatch(/^<b>x<\/b> y+…$/);
    expect(news?.body).toHaveLength(200);
  });
});

describe('notificationBody', () => {
  it('leaves nothing that Linux would read as markup', () => {
    expect(notificationBody('<a href="x">R&D</a>', 'linux')).toBe('‹a href="x"›R＆D‹/a›');
    expect(notificationBody('<b>R&D</b>', 'win32')).toBe('<b>R&D</b>');
  });
});

describe('createNotificationBudget', () => {
  const news = (key: string): { key: string; title: string; body: string; page: string } => ({
    key,
    title: key,
    body: '',
    page: 'herd',
  });

  it('lets the same news through again only after a while', () => {
    const budget = createNotificationBudget();
    expect(budget.admit(news('a'), 0)).toEqual(news('a'));
    expect(budget.admit(news('a'), 599_999)).toBeUndefined();
    expect(budget.admit(news('a'), 600_000)).toEqual(news('a'));
  });

  it('lets four a minute through, the last of which stands for all that follow', () => {
    const budget = createNotificationBudget();
    const titles = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => budget.admit(news(key), 1000)?.title);
    expect(titles).toEqual(['a', 'b', 'c', 'Several models need attention', undefined, undefined]);
    expect(budget.admit(news('g'), 61_000)?.title).toBe('g');
  });
});
