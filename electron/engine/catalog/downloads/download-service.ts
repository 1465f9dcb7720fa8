import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { AppError } from '#shared/contract/errors.ts';
import { orAborted } from '#shared/lib/or-aborted.ts';
import type { DownloadView } from '#shared/contract/downloads.ts';
import { delay, type Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { chooseFiles, type RepoFile } from './choose-files.ts';
import { checkDiskSpace } from './disk-space.ts';
import { createDownloadTeller } from './download-teller.ts';
import { createDownload, planFiles, plannedFile, restoreDownload, type Download } from './download.ts';
import { TransientError } from './download-errors.ts';
import type { DownloadService, PulledModel } from './download-service-contract.ts';
import { asDownloadError, fetchFile, type RetryPolicy } from './fetch-file.ts';
import { blobPath, linkSnapshot, partPath, sizeIfPresent, snapshotPath, writeRef } from './hub-cache.ts';
import type { HubClient, RepoListing } from './hub-client.ts';
import { formatPullSource, parsePullSource, type PullSource } from './pull-source.ts';
import { createPulledFiles } from './pulled-files.ts';
import type { PulledModels } from './pulled-models.ts';
import { createSharedFetches } from './shared-fetches.ts';
import { createSlots } from './slots.ts';
import type { DownloadPlan, UnfinishedDownloads } from './unfinished-downloads.ts';

export interface DownloadServiceParts {
  readonly client: HubClient;
  readonly cacheFolder: string;
  readonly unfinished: UnfinishedDownloads;
  readonly pulledModels: PulledModels;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retries: RetryPolicy;
  /** Files that come at once. */
  parallelFiles(): number;
  freeDiskBytes(folder: string): Promise<number>;
  /** What a model may use; undefined where that is unknown. */
  freeMemoryBytes(): Promise<number | undefined>;
  onFinished(view: DownloadView): void;
}

const MAX_FINISHED = 20;

export function createDownloadService(parts: DownloadServiceParts): DownloadService {
  const { client, cacheFolder, clock, logger } = parts;
  const downloads = new Map<string, Download>();
  const { tell, tellProgress, subscribe, close: closeTeller } = createDownloadTeller(clock);
  const slots = createSlots(parts.parallelFiles);
  const fetches = createSharedFetches<FileListener>();
  let isClosed = false;

  function save(): void {
    void saveNow();
  }

  async function saveNow(): Promise<void> {
    const list = [...downloads.values()].map((each) => each.unfinished()).filter((each) => each !== undefined);
    await parts.unfinished.write(list).catch((thrown: unknown) => {
      logger.log('warn', `The list of downloads could not be written: ${(thrown as Error).message}`);
    });
  }

  function find(id: string): Download {
    const download = downloads.get(id);
    if (download === undefined) throw new AppError('not-found', `There is no download "${id}".`);
    return download;
  }

  function run(download: Download): void {
    const abort = new AbortController();
    download.abort = abort;
    download.problem = undefined;
    download.state = 'looking-up';
    download.forgetPace();
    // What was paused may still be letting go of its files.
    const before = download.ended;
    download.ended = before
      .then(() => carryOut(download, abort.signal))
      .then(
        (result) => {
          if (abort.signal.aborted) return;
          download.result = result;
          download.finishedAt = clock.wallMs();
          settle(download, 'finished');
          logger.log('info', `${formatPullSource(download.source)} was downloaded: ${result.files[0] ?? ''}`);
          forgetOldest();
          parts.onFinished(download.view());
        },
        (thrown: unknown) => {
          // Who ended it has said what it is now.
          if (abort.signal.aborted) return;
          const problem = describeProblem(thrown, download.source);
          download.problem = problem;
          settle(download, 'failed');
          logger.log('warn', problem.message);
        },
      );
    tell(download);
    save();
  }

  function settle(download: Download, state: 'finished' | 'failed' | 'paused'): void {
    download.abort = undefined;
    download.state = state;
    download.forgetPace();
    save();
    tell(download);
  }

  /** From the listing to the files in their places. */
  async function carryOut(download: Download, signal: AbortSignal): Promise<PulledModel> {
    // Another origin may call other things by the same names.
    if (download.plan?.origin !== client.origin) download.plan = await makePlan(download, signal);
    const plan = download.plan;
    const { repo } = download.source;
    const files = planFiles(plan);
    await noteWhatIsThere(download, plan);
    await checkSpace(repo, files);
    download.state = 'downloading';
    save();
    tell(download);

    const others = new AbortController();
    const anyEnd = AbortSignal.any([signal, others.signal]);
    const fetched = await Promise.allSettled(
      files.map(async (file) => {
        try {
          await fetchShared(download, plan.commit, file, anyEnd);
        } catch (thrown) {
          // The others wait for the next try too: half a model is no model.
          others.abort(thrown);
          throw thrown;
        }
      }),
    );
    signal.throwIfAborted();
    if (fetched.some(({ status }) => status === 'rejected')) throw others.signal.reason as Error;

    // Before it can be seen, so that whatever can be seen can be deleted.
    await parts.pulledModels.noteModel(repo, plan);
    for (const file of files) await linkSnapshot(blobPath(cacheFolder, repo, file), placeOf(repo, plan, file));
    await writeRef(cacheFolder, repo, plan.commit);
    return {
      files: plan.model.map((file) => placeOf(repo, plan, file)),
      mmproj: plan.mmproj === undefined ? undefined : placeOf(repo, plan, plan.mmproj),
    };
  }

  async function makePlan(download: Download, signal: AbortSignal): Promise<DownloadPlan> {
    const { commit, files } = await readListing(download, signal);
    const chosen = chooseFiles(download.source, files, await parts.freeMemoryBytes());
    return {
      origin: client.origin,
      commit,
      ...(chosen.quant === undefined ? {} : { quant: chosen.quant }),
      model: chosen.model.map(plannedFile),
      ...(chosen.mmproj === undefined ? {} : { mmproj: plannedFile(chosen.mmproj) }),
    };
  }

  async function readListing(download: Download, signal: AbortSignal): Promise<RepoListing> {
    const { most, firstDelayMs, longestDelayMs } = parts.retries;
    for (let failures = 1; ; failures += 1) {
      try {
        return await client.readRepo(download.source.repo, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        if (!(thrown instanceof TransientError) || failures > most) throw thrown;
        const waitMs = Math.max(Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs), thrown.retryAfterMs);
        download.noteWait('', `trying again in ${Math.ceil(waitMs / 1000)} s: ${thrown.message}`);
        tell(download);
        await delay(clock, waitMs, signal);
        download.noteWait('', undefined);
      }
    }
  }

  async function noteWhatIsThere({ source, noteReceived }: Download, plan: DownloadPlan): Promise<void> {
    for (const file of planFiles(plan)) noteReceived(file.path, await bytesThere(source.repo, file));
  }

  async function bytesThere(repo: string, file: RepoFile): Promise<number> {
    const blob = blobPath(cacheFolder, repo, file);
    const there = (await sizeIfPresent(blob)) ?? (await sizeIfPresent(partPath(blob))) ?? 0;
    return Math.min(there, file.sizeBytes);
  }

  async function checkSpace(repo: string, files: readonly RepoFile[]): Promise<void> {
    let missingBytes = 0;
    for (const file of files) missingBytes += file.sizeBytes - (await bytesThere(repo, file));
    checkDiskSpace(missingBytes, await parts.freeDiskBytes(cacheFolder), cacheFolder);
  }

  async function fetchShared(
    download: Download,
    commit: string,
    file: DownloadPlan['model'][number],
    signal: AbortSignal,
  ): Promise<void> {
    const { repo } = download.source;
    const blob = blobPath(cacheFolder, repo, file);
    const listener: FileListener = {
      onReceived(bytes) {
        download.noteReceived(file.path, bytes);
        tellProgress(download);
      },
      onWait(reason) {
        download.noteWait(file.path, reason);
        tell(download);
      },
      onEtag(etag) {
        download.noteEtag(file.path, etag);
        save();
      },
      onVerifying() {
        const isAllHere = download.view().files.every(({ sizeBytes, receivedBytes }) => receivedBytes === sizeBytes);
        if (isAllHere) download.state = 'verifying';
        tell(download);
      },
    };
    const begin = (say: (act: (each: FileListener) => void) => void, ended: AbortSignal): Promise<void> =>
      slots.run(async () => {
        const isNew = await fetchFile(
          {
            client,
            clock,
            repo,
            commit,
            file,
            blob,
            etag: file.etag,
            retries: parts.retries,
            onEtag: (etag) => say((each) => each.onEtag(etag)),
            onReceived: (bytes) => say((each) => each.onReceived(bytes)),
            onWait: (reason) => say((each) => each.onWait(reason)),
            onVerifying: () => say((each) => each.onVerifying()),
          },
          ended,
        );
        if (isNew) await parts.pulledModels.noteBlob(repo, file);
      }, ended);
    await fetches.join(blob, listener, begin, signal);
  }

  function placeOf(repo: string, plan: DownloadPlan, file: RepoFile): string {
    return snapshotPath(cacheFolder, repo, plan.commit, file.path);
  }

  async function removeParts({ source, plan }: Download): Promise<void> {
    for (const file of planFiles(plan)) {
      const blob = blobPath(cacheFolder, source.repo, file);
      const isWanted = [...downloads.values()].some(
        (each) =>
          each.state !== 'finished' &&
          each.source.repo === source.repo &&
          planFiles(each.plan).some(({ digest }) => digest.hex === file.digest.hex),
      );
      if (!isWanted) await rm(partPath(blob), { force: true });
    }
  }

  function forgetOldest(): void {
    const finished = [...downloads.values()].filter(({ state }) => state === 'finished');
    for (const { id } of finished.slice(0, Math.max(0, finished.length - MAX_FINISHED))) downloads.delete(id);
  }

  const pulled = createPulledFiles({
    record: parts.pulledModels,
    cacheFolder,
    wantedDigests: (repo) =>
      [...downloads.values()]
        .filter((each) => isRunning(each) && each.source.repo === repo)
        .flatMap(({ plan }) => planFiles(plan).map(({ digest }) => digest.hex)),
    onDeleted(files) {
      for (const download of downloads.values()) {
        if (!files.includes(download.result?.files[0] ?? '')) continue;
        downloads.delete(download.id);
        tell(download);
      }
    },
  });

  function isRunning({ abort }: Download): boolean {
    return abort !== undefined;
  }

  return {
    start(source, { file } = {}) {
      if (isClosed) throw new AppError('shutting-down', 'Corral is shutting down.');
      const options = { origin: client.origin, ...(file === undefined ? {} : { file }) };
      const parsed = typeof source === 'string' ? parsePullSource(source, options) : source;
      const id = downloadId(parsed);
      const known = downloads.get(id);
      if (known !== undefined && isRunning(known)) return known.view();
      if (known !== undefined && known.state !== 'finished') {
        run(known);
        return known.view();
      }
      // What is finished is looked up anew: the repository may hold something else by now.
      downloads.delete(id);
      const download = createDownload({ id, source: parsed, startedAt: clock.wallMs(), clock });
      downloads.set(id, download);
      run(download);
      return download.view();
    },

    async wait(id, signal) {
      const download = find(id);
      await orAborted(download.ended, signal);
      if (download.result !== undefined) return download.result;
      if (download.problem !== undefined) throw download.problem;
      if (isClosed)
        throw new AppError('shutting-down', 'Corral is shutting down; the download goes on after its next start.');
      if (download.state === 'paused') {
        throw new AppError('conflict', `The download of ${formatPullSource(download.source)} is paused. Resume it.`);
      }
      throw new AppError('cancelled', `The download of ${formatPullSource(download.source)} was cancelled.`);
    },

    pause(id) {
      const download = find(id);
      if (download.state === 'finished') throw new AppError('conflict', `The download "${id}" is finished already.`);
      if (!isRunning(download)) return download.view();
      download.abort?.abort(new AppError('conflict', 'It was paused.'));
      settle(download, 'paused');
      return download.view();
    },

    resume(id) {
      const download = find(id);
      if (!isRunning(download) && download.state !== 'finished') run(download);
      return download.view();
    },

    async cancel(id) {
      const download = find(id);
      download.abort?.abort(new AppError('cancelled', 'It was cancelled.'));
      await download.ended;
      if (downloads.get(id) === download) downloads.delete(id);
      if (download.state !== 'finished') await removeParts(download);
      save();
      tell(download);
    },

    pulled,

    list: () => [...downloads.values()].map((each) => each.view()),

    subscribe,

    async restore() {
      try {
        for (const written of await parts.unfinished.read()) {
          if (downloads.has(written.id)) continue;
          const download = restoreDownload(written, clock);
          downloads.set(download.id, download);
          if (download.plan !== undefined) await noteWhatIsThere(download, download.plan);
          if (written.state === 'running') run(download);
          else tell(download);
        }
      } catch (thrown) {
        logger.log('warn', `The list of unfinished downloads could not be read: ${(thrown as Error).message}`);
      }
    },

    async close() {
      isClosed = true;
      for (const { abort } of downloads.values())
        abort?.abort(new AppError('shutting-down', 'Corral is shutting down.'));
      await Promise.all([...downloads.values()].map(({ ended }) => ended));
      await saveNow();
      closeTeller();
    },
  };
}

interface FileListener {
  onReceived(bytes: number): void;
  onWait(reason: string | undefined): void;
  onEtag(etag: string | undefined): void;
  onVerifying(): void;
}

/** The same for the same source, and fit for a path or a command line. */
function downloadId(source: PullSource): string {
  return createHash('sha256').update(formatPullSource(source).toLowerCase()).digest('hex').slice(0, 12);
}

function describeProblem(thrown: unknown, source: PullSource): AppError {
  try {
    return asDownloadError(thrown, formatPullSource(source));
  } catch (defect) {
    return new AppError('internal', `Corral failed unexpectedly: ${(defect as Error).message}`, { cause: defect });
  }
}
