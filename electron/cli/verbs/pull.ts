import type { Bridge } from '#shared/contract/bridge.ts';
import type { DownloadView } from '#shared/contract/downloads.ts';
import { AppError, deserialiseError } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import { describeDownload, downloadPart } from '#shared/model/describe-download.ts';
import { formatSize } from '#shared/model/units.ts';
import { printable } from '../printable.ts';
import { showProgressLine } from '../progress-line.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

/** Where nobody watches a line change, one is written for so much of the whole. */
const LINE_EVERY_PART = 0.1;

/**
 * `corral pull REPO[:QUANT]`: has the running Corral download a model, and waits for it; an interrupt ends the wait alone. As
 * JSON: `{ download }`. Throws why it failed; `cancelled` and `conflict` if somebody cancelled or paused it meanwhile.
 */
export async function pullModel(
  bridge: Bridge,
  context: VerbContext,
  { source, file }: { readonly source: string; readonly file: string | undefined },
): Promise<void> {
  const { terminal, isJson, signal } = context;
  const { download } = await bridge.call('pull-model', { source, ...(file === undefined ? {} : { file }) }, signal);
  const name = printable(download.source);
  const removeProgressLine = showProgressLine(bridge, context, ({ downloads }) => {
    const current = downloads.find(({ id }) => id === download.id);
    return current === undefined ? undefined : `${current.source}: ${progressBar(current)}${describeDownload(current)}`;
  });
  let lastPart = 0;
  const say = (current: DownloadView): void => {
    const part = downloadPart(current) ?? 0;
    if (isJson || terminal.isErrorTty || part - lastPart < LINE_EVERY_PART) return;
    lastPart = part;
    terminal.writeError(`${name}: ${printable(describeDownload(current))}\n`);
  };
  let finished: DownloadView;
  try {
    finished = await waitForEnd(bridge, download, say, signal);
  } catch (thrown) {
    if (signal.aborted && !isJson) {
      terminal.writeError(`\ncorral: the download of ${name} goes on; \`corral pull ${name}\` shows it again\n`);
    }
    throw thrown;
  } finally {
    removeProgressLine();
  }
  if (isJson) {
    writeJson(terminal, { download: finished });
    return;
  }
  const size = finished.totalBytes === null ? '' : ` (${formatSize(finished.totalBytes)})`;
  terminal.write(`${name} was downloaded${size}: ${printable(finished.modelFile ?? '')}\n`);
}

function waitForEnd(
  bridge: Bridge,
  { id, source }: DownloadView,
  say: (current: DownloadView) => void,
  signal: AbortSignal,
): Promise<DownloadView> {
  return new Promise((resolve, reject) => {
    const end = (act: () => void): void => {
      unsubscribe();
      signal.removeEventListener('abort', leave);
      act();
    };
    const leave = (): void => end(() => reject(signal.reason as Error));
    const look = ({ downloads }: Snapshot): void => {
      const current = downloads.find((each) => each.id === id);
      if (current === undefined) {
        end(() => reject(new AppError('cancelled', `The download of ${source} was cancelled.`)));
      } else if (current.state === 'finished') end(() => resolve(current));
      else if (current.state === 'paused') {
        end(() => reject(new AppError('conflict', `The download of ${source} was paused. Pull it again to go on.`)));
      } else if (current.state === 'failed') {
        const problem = current.problem ?? { code: 'download-failed', message: `${source} could not be downloaded.` };
        end(() => reject(deserialiseError(problem)));
      } else say(current);
    };
    signal.addEventListener('abort', leave, { once: true });
    const unsubscribe = bridge.subscribe({
      onUpdate: ({ snapshot }) => look(snapshot),
      onDisconnect: (reason) =>
        end(() => reject(new AppError('upstream-unavailable', `Corral cannot be reached any more: ${reason}.`))),
    });
  });
}

const BAR_CHARACTERS = 20;

function progressBar(download: DownloadView): string {
  const part = downloadPart(download);
  if (part === undefined) return '';
  const full = Math.round(part * BAR_CHARACTERS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARACTERS - full)} ${Math.floor(part * 100)}% `;
}
