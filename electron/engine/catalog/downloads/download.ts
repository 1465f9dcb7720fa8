import type { AppError } from '#shared/contract/errors.ts';
import { deserialiseError, serialiseError } from '#shared/contract/errors.ts';
import type { DownloadState, DownloadView } from '#shared/contract/downloads.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RepoFile } from './choose-files.ts';
import type { PulledModel } from './download-service-contract.ts';
import { formatPullSource, type PullSource } from './pull-source.ts';
import { createTransferRate } from './transfer-rate.ts';
import type { DownloadPlan, UnfinishedDownload } from './unfinished-downloads.ts';

/** What is known of one download; changed by `download-service.ts` alone. */
export interface Download {
  readonly id: string;
  readonly source: PullSource;
  state: DownloadState;
  plan: DownloadPlan | undefined;
  problem: AppError | undefined;
  result: PulledModel | undefined;
  finishedAt: number | undefined;
  /** Ends what runs for it; undefined while nothing does. */
  abort: AbortController | undefined;
  /** Settles once nothing runs for it any more; never rejects. */
  ended: Promise<void>;
  noteReceived(path: string, bytes: number): void;
  noteEtag(path: string, etag: string | undefined): void;
  noteWait(path: string, reason: string | undefined): void;
  /** What the rate was says nothing about the next try. */
  forgetPace(): void;
  view(): DownloadView;
  /** As it is written down; undefined once it is finished. */
  unfinished(): UnfinishedDownload | undefined;
}

export interface NewDownload {
  readonly id: string;
  readonly source: PullSource;
  readonly startedAt: number;
  readonly clock: Clock;
}

export function createDownload({ id, source, startedAt, clock }: NewDownload): Download {
  const received = new Map<string, number>();
  const waits = new Map<string, string>();
  const rate = createTransferRate();

  function receivedBytes(): number {
    return planFiles(download.plan).reduce((sum, { path }) => sum + (received.get(path) ?? 0), 0);
  }

  const download: Download = {
    id,
    source,
    state: 'looking-up',
    plan: undefined,
    problem: undefined,
    result: undefined,
    finishedAt: undefined,
    abort: undefined,
    ended: Promise.resolve(),

    noteReceived(path, bytes) {
      // What was there before is no pace.
      if (!received.has(path)) rate.reset();
      received.set(path, bytes);
      rate.note(receivedBytes(), clock.nowMs());
    },
    noteEtag(path, etag) {
      const file = planFiles(download.plan).find((each) => each.path === path);
      if (file === undefined) return;
      if (etag === undefined) delete file.etag;
      else file.etag = etag;
    },
    noteWait(path, reason) {
      if (reason === undefined) waits.delete(path);
      else waits.set(path, reason);
    },
    forgetPace() {
      rate.reset();
      waits.clear();
    },

    view() {
      const files = planFiles(download.plan);
      const totalBytes = files.length === 0 ? null : files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const bytesPerSecond = download.state === 'downloading' ? (rate.read(clock.nowMs()) ?? null) : null;
      const here = receivedBytes();
      return {
        id,
        source: formatPullSource(source),
        repo: source.repo,
        quant: download.plan?.quant ?? source.quant ?? null,
        state: download.state,
        detail: [...waits.values()][0] ?? null,
        files: files.map(({ path, sizeBytes, digest }) => ({
          path,
          sizeBytes,
          receivedBytes: received.get(path) ?? 0,
          digest: digest.hex,
        })),
        totalBytes,
        receivedBytes: here,
        bytesPerSecond,
        remainingMs:
          bytesPerSecond === null || totalBytes === null
            ? null
            : Math.round(((totalBytes - here) / bytesPerSecond) * 1000),
        problem: download.problem === undefined ? null : serialiseError(download.problem),
        modelFile: download.result?.files[0] ?? null,
        mmprojFile: download.result?.mmproj ?? null,
        startedAt,
        finishedAt: download.finishedAt ?? null,
      };
    },

    unfinished() {
      if (download.state === 'finished') return undefined;
      return {
        id,
        repo: source.repo,
        ...(source.quant === undefined ? {} : { quant: source.quant }),
        ...(source.file === undefined ? {} : { file: source.file }),
        state: download.state === 'paused' || download.state === 'failed' ? download.state : 'running',
        ...(download.problem === undefined ? {} : { problem: serialiseError(download.problem) }),
        startedAt,
        ...(download.plan === undefined ? {} : { plan: download.plan }),
      };
    },
  };
  return download;
}

/** A download as an earlier run left it; not running yet. */
export function restoreDownload(written: UnfinishedDownload, clock: Clock): Download {
  const { id, repo, quant, file, startedAt, state, problem, plan } = written;
  const download = createDownload({ id, source: { repo, quant, file }, startedAt, clock });
  download.plan = plan;
  download.problem = problem === undefined ? undefined : deserialiseError(problem);
  download.state = state === 'running' ? 'looking-up' : state;
  return download;
}

type PlannedFile = DownloadPlan['model'][number];

/** All files of a plan, the projector as the last. */
export function planFiles(plan: DownloadPlan | undefined): PlannedFile[] {
  if (plan === undefined) return [];
  return plan.mmproj === undefined ? plan.model : [...plan.model, plan.mmproj];
}

export function plannedFile({ path, sizeBytes, digest }: RepoFile): PlannedFile {
  return { path, sizeBytes, digest };
}
