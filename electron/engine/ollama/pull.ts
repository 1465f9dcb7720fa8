import type { ServerResponse } from 'node:http';
import { toAppError, type AppError } from '#shared/contract/errors.ts';
import { sendError } from '../proxy/error-bodies.ts';
import { sendJson } from '../proxy/translation.ts';
import type { JsonObject } from './request-fields.ts';

/** A download as far as a client that pulls wants to know of it. */
export interface PullView {
  readonly id: string;
  readonly state: 'looking-up' | 'downloading' | 'verifying' | 'paused' | 'failed' | 'finished';
  readonly files: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly receivedBytes: number;
    readonly digest: string;
  }[];
}

/** Whoever fetches models. */
export interface PullService {
  /** Begins a download, or joins the one that runs for the same source. Throws `invalid-request` for a source that is none. */
  start(source: string): PullView;
  /** Resolves once it is finished. Rejects with why it failed, and with the reason of `signal`, which ends the wait alone. */
  wait(id: string, signal?: AbortSignal): Promise<unknown>;
  subscribe(listener: (view: PullView) => void): () => void;
}

/**
 * Answers `/api/pull` with the progress of a download, a line a change, or with its end alone. A client that goes away ends its
 * own answer: the download goes on, and is joined by the next who asks for it.
 */
export async function answerPull(
  response: ServerResponse,
  { service, source, isStreaming }: { service: PullService; source: string; isStreaming: boolean },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let unsubscribe = (): void => undefined;
  try {
    const first = service.start(source);
    if (isStreaming) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'x-accel-buffering': 'no' });
      let last = '';
      const tell = (line: JsonObject): void => {
        const text = `${JSON.stringify(line)}\n`;
        if (text !== last && !response.destroyed) response.write(text);
        last = text;
      };
      tell({ status: 'pulling manifest' });
      const show = (view: PullView): void => progressLines(view).forEach(tell);
      unsubscribe = service.subscribe((view) => {
        if (view.id === first.id) show(view);
      });
      show(first);
    }
    await service.wait(first.id, gone.signal);
    if (isStreaming)
      response.end('{"status":"verifying sha256 digest"}\n{"status":"writing manifest"}\n{"status":"success"}\n');
    else sendJson(response, 200, { status: 'success' });
  } catch (thrown) {
    if (gone.signal.aborted) return;
    const error: AppError = toAppError(thrown);
    if (response.headersSent) response.end(`${JSON.stringify({ error: error.message })}\n`);
    else sendError(response, error, 'ollama');
  } finally {
    unsubscribe();
  }
}

/** A line for each file that is on its way. Pure. */
export function progressLines({ state, files }: PullView): readonly JsonObject[] {
  if (state !== 'downloading') return [];
  return files.map(({ digest, sizeBytes, receivedBytes }) => ({
    status: `pulling ${digest.slice(0, 12)}`,
    digest: `sha256:${digest}`,
    total: sizeBytes,
    ...(receivedBytes === 0 ? {} : { completed: receivedBytes }),
  }));
}
