import type { DownloadView } from '#shared/contract/downloads.ts';
import type { PullSource } from './pull-source.ts';
import type { PulledFiles } from './pulled-files.ts';

/** The files of a model that is on disk, whole and checked. */
export interface PulledModel {
  /** Absolute paths of all parts; the first is the one to give to llama-server. */
  readonly files: readonly string[];
  readonly mmproj: string | undefined;
}

/**
 * The one way in which models come to this machine: from Hugging Face into its own cache, resumable, with every file checked
 * before it can be seen. Works without an engine too.
 */
export interface DownloadService {
  /**
   * Begins a download, or joins the one that runs for the same source already; one that was paused or failed goes on. Returns
   * at once: what goes wrong stands in the view. `file` names a file in the repository (`-hff`). Throws `invalid-request` for
   * a source that is none.
   */
  start(source: string | PullSource, options?: { readonly file?: string }): DownloadView;
  /**
   * Resolves with the files once it is finished. Rejects with why it failed, `cancelled`, `conflict` if it is paused,
   * `shutting-down`, and `not-found` if there is none; with the reason of `signal`, which ends the wait alone.
   */
  wait(id: string, signal?: AbortSignal): Promise<PulledModel>;
  /** What has arrived stays, to be continued. Throws `not-found`, and `conflict` if it is finished. */
  pause(id: string): DownloadView;
  /** Also for one that failed. Throws `not-found`. */
  resume(id: string): DownloadView;
  /** Deletes what has arrived, unless another download wants it, and forgets it; a finished one is only forgotten. */
  cancel(id: string): Promise<void>;
  /** The oldest first. Finished ones stay until Corral ends, the last 20 of them. */
  list(): DownloadView[];
  /** Hears of every change, at most some times a second for each download. */
  subscribe(listener: (view: DownloadView) => void): () => void;
  /** What was downloaded, to be deleted again. */
  readonly pulled: PulledFiles;
  /** Goes on with what an earlier run left unfinished. Rejects never: a damaged list is said in the log. */
  restore(): Promise<void>;
  /** Stops; what runs goes on after the next `restore`. */
  close(): Promise<void>;
}
