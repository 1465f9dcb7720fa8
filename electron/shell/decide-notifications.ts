import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { formatSize } from '#shared/model/units.ts';
import { plainText, shortenEnd, shortName } from './plain-text.ts';
import { modelPage } from './tray-item.ts';

export interface NotificationContent {
  /** The same for the same piece of news. */
  readonly key: string;
  readonly title: string;
  readonly body: string;
  /** What a click opens. */
  readonly page: string;
}

/** What fits into a notification on all three platforms. */
const MAX_BODY_LENGTH = 200;

/** What has come about between two snapshots that a user should hear of without a window. Pure. */
export function decideNotifications(before: Snapshot, after: Snapshot): NotificationContent[] {
  // Everything ends then, and was asked to.
  if (after.instance.isShuttingDown) return [];
  const modelsBefore = new Map(before.models.map((model) => [model.id, model]));
  return [
    ...configNews(before, after),
    ...engineNews(before, after),
    ...downloadNews(before, after),
    ...after.models.flatMap((model) => {
      const earlier = modelsBefore.get(model.id);
      return earlier === undefined ? [] : modelNews(earlier, model);
    }),
  ];
}

function configNews(before: Snapshot, after: Snapshot): NotificationContent[] {
  const { configErrors } = after.instance;
  const text = JSON.stringify(configErrors);
  const [first] = configErrors;
  if (first === undefined || text === JSON.stringify(before.instance.configErrors)) return [];
  const where = first.path === '' ? '' : `${first.path}: `;
  const more = configErrors.length > 1 ? ` And ${configErrors.length - 1} more.` : '';
  const body = `The last good one stays in use. ${where}${first.message}${more}`;
  return [content(`config:${text}`, 'The configuration has an error', body, 'settings')];
}

function engineNews(before: Snapshot, after: Snapshot): NotificationContent[] {
  const engine = after.engine;
  if (engine.status === 'missing' && before.engine.status !== 'missing') {
    const body = `${engine.reason} ${engine.hint}`;
    return [content(`engine-missing:${engine.reason}`, 'There is no llama-server to run models with', body, 'herd')];
  }
  if (engine.status === 'ready' && before.engine.status === 'installing') {
    const body = `Build ${engine.build.id} was downloaded.`;
    return [content(`engine-ready:${engine.build.id}`, 'llama.cpp is ready', body, 'herd')];
  }
  return [];
}

function downloadNews(before: Snapshot, after: Snapshot): NotificationContent[] {
  const earlier = new Map(before.downloads.map((download) => [download.id, download.state]));
  return after.downloads.flatMap(({ id, source, state, totalBytes, problem }) => {
    const was = earlier.get(id);
    // What is there from the beginning was told by an earlier run.
    if (was === state || (was === undefined && state === 'failed')) return [];
    const name = shortName(source);
    if (state === 'finished') {
      const size = totalBytes === null ? '' : ` ${formatSize(totalBytes)}.`;
      return [content(`download:${id}`, `${name} was downloaded`, `It can be loaded now.${size}`, 'catalog')];
    }
    if (state !== 'failed') return [];
    return [content(`download-failed:${id}`, `${name} could not be downloaded`, problem?.message ?? '', 'catalog')];
  });
}

function modelNews(before: ModelView, after: ModelView): NotificationContent[] {
  const name = shortName(after.id);
  const news = (kind: string, title: string): NotificationContent[] => [
    content(`model-${kind}:${after.id}`, title, after.problem?.message ?? 'Its log tells more.', modelPage(after.id)),
  ];
  if (after.state === 'failed')
    return before.state === 'failed' ? [] : news('failed', `${name} failed and was given up`);
  if (after.state === 'crashed') {
    if (before.state === 'crashed' || before.state === 'failed') return [];
    const wasReady = before.state === 'ready' || before.state === 'draining';
    return wasReady
      ? news('crashed', `${name} stopped unexpectedly`)
      : news('not-loaded', `${name} could not be loaded`);
  }
  const isNewProblem = after.problem !== null && after.problem.message !== before.problem?.message;
  return after.state === 'off' && isNewProblem ? news('not-loaded', `${name} could not be loaded`) : [];
}

function content(key: string, title: string, body: string, page: string): NotificationContent {
  return { key, title: plainText(title), body: shortenEnd(plainText(body), MAX_BODY_LENGTH), page };
}
