import type { Readable } from 'node:stream';
import { request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { AppError } from '#shared/contract/errors.ts';
import type { FileDigest, RepoFile } from './choose-files.ts';
import { downloadError, TransientError } from './download-errors.ts';
import type { HubConnections } from './hub-connections.ts';
import { decideRedirect } from './redirect-rules.ts';
import { isCommit, isSafeRelativePath } from './safe-names.ts';

/** What Corral asks of Hugging Face, or of a mirror that speaks as it does. */
export interface HubClient {
  readonly origin: string;
  /** What a repository holds now. Files whose names could do harm are left out. Retries nothing. */
  readRepo(repo: string, signal: AbortSignal): Promise<RepoListing>;
  /**
   * Asks for a file from byte `offset` on. The answer's body must be read or destroyed. Throws `TransientError` for what may
   * go better later, else an `AppError`.
   */
  openFile(request: FileRequest, signal: AbortSignal): Promise<FileAnswer>;
}

export interface RepoListing {
  readonly commit: string;
  readonly files: readonly RepoFile[];
}

export interface FileRequest {
  readonly repo: string;
  readonly commit: string;
  readonly path: string;
  readonly offset: number;
  /** What the file was called by the server when its first bytes came; only for these the rest is wanted. */
  readonly etag: string | undefined;
}

export interface FileAnswer {
  readonly status: 200 | 206 | 416;
  readonly body: Readable;
  /** Undefined if it has none, or a weak one, which says nothing about bytes. */
  readonly etag: string | undefined;
  /** The digest as the origin tells it along with its redirect. */
  readonly linkedEtag: string | undefined;
  readonly contentRange: string | undefined;
  readonly contentLength: number | undefined;
}

export interface HubClientOptions {
  /** Asked for anew each time, since a live configuration may change it. */
  origin(): URL;
  readonly connections: HubConnections;
  readonly userAgent: string;
  /** Asked for anew each time, so that a token that was set meanwhile counts. */
  token(): Promise<string | undefined>;
}

const MAX_REDIRECTS = 5;
/** The listing of the largest repositories has some hundred kilobytes. */
const MAX_LISTING_BYTES = 32 * 2 ** 20;
const LISTING_TIMEOUT_MS = 60_000;
/** A server that wants more patience than this is asked again anyway. */
const MAX_RETRY_AFTER_MS = 60_000;

const listingSchema = z.object({
  sha: z.string(),
  siblings: z
    .array(
      z.object({
        rfilename: z.string(),
        size: z.number().int().min(0).nullish(),
        blobId: z.string().nullish(),
        lfs: z.object({ sha256: z.string(), size: z.number().int().min(0) }).nullish(),
      }),
    )
    .default([]),
});

export function createHubClient(options: HubClientOptions): HubClient {
  const { connections, token, userAgent } = options;
  const baseOf = (origin: URL): string => origin.href.replace(/\/+$/, '');

  async function send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ answer: Dispatcher.ResponseData; linkedEtag: string | undefined; hadToken: boolean }> {
    const origin = options.origin();
    const secret = await token();
    let target = url;
    let linkedEtag: string | undefined;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const decision = decideRedirect(target, origin);
      if (!decision.isAllowed) {
        throw downloadError('redirect', `${origin.host} was not followed: ${decision.reason}.`);
      }
      const answer = await request(target, {
        signal,
        dispatcher: decision.isOrigin ? connections.toOrigin : connections.toOthers,
        headers: {
          ...headers,
          'user-agent': userAgent,
          // Compressed bytes could neither be counted nor continued.
          'accept-encoding': 'identity',
          ...(decision.isOrigin && secret !== undefined ? { authorization: `Bearer ${secret}` } : {}),
        },
      }).catch((thrown: unknown) => {
        signal.throwIfAborted();
        throw new TransientError(`${target.host} could not be reached (${explain(thrown)})`, { cause: thrown });
      });
      // Said by the origin only: it is the one that is trusted with what a file is.
      if (decision.isOrigin) linkedEtag = strongEtag(headerOf(answer, 'x-linked-etag')) ?? linkedEtag;
      if (![301, 302, 303, 307, 308].includes(answer.statusCode)) {
        return { answer, linkedEtag, hadToken: secret !== undefined };
      }
      discard(answer.body);
      const location = headerOf(answer, 'location') ?? '';
      if (!URL.canParse(location, target.href)) {
        throw downloadError('redirect', `${target.host} sends the download on to an address that is none.`);
      }
      target = new URL(location, target.href);
    }
    throw downloadError('redirect', `${origin.host} sends the download on and on, from one address to the next.`);
  }

  /** Throws unless the status is one of those that were hoped for. */
  function checkStatus(
    answer: Dispatcher.ResponseData,
    expected: readonly number[],
    what: { readonly repo: string; readonly path: string | undefined; readonly hadToken: boolean },
  ): void {
    const origin = options.origin();
    const base = baseOf(origin);
    const { statusCode } = answer;
    if (expected.includes(statusCode)) return;
    discard(answer.body);
    const page = `${base}/${what.repo}`;
    const subject = what.path === undefined ? `The repository ${what.repo}` : `The file ${what.path} of ${what.repo}`;
    const code = headerOf(answer, 'x-error-code') ?? '';
    if (statusCode === 401 || statusCode === 403) {
      if (code === 'GatedRepo' || statusCode === 403) {
        const next = what.hadToken
          ? 'with the account that the token in HF_TOKEN belongs to, and see that the token may read gated repositories'
          : `then set HF_TOKEN to a token of that account (${base}/settings/tokens) and start Corral again`;
        throw downloadError(
          'gated',
          `${what.repo} is gated: its terms must be accepted first. Do that at ${page}, ${next}.`,
        );
      }
      throw downloadError(
        'token',
        what.hadToken
          ? `There is no repository ${what.repo} at ${origin.host} that the token in HF_TOKEN may read. Check its name at ${page}, and the token.`
          : `There is no public repository ${what.repo} at ${origin.host}. Check its name; if it is private, set HF_TOKEN to a token that may read it and start Corral again.`,
      );
    }
    if (statusCode === 404 || statusCode === 410) {
      throw new AppError('not-found', `${subject} is not at ${origin.host}. Check its name.`, {
        details: { repo: what.repo },
      });
    }
    if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
      throw new TransientError(`${origin.host} answered ${statusCode}`, {
        retryAfterMs: retryAfterMs(headerOf(answer, 'retry-after')),
      });
    }
    throw downloadError('bad-answer', `${subject} could not be fetched: ${origin.host} answered ${statusCode}.`);
  }

  return {
    get origin() {
      return baseOf(options.origin());
    },

    async readRepo(repo, signal) {
      const origin = options.origin();
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(LISTING_TIMEOUT_MS)]);
      const { answer, hadToken } = await send(
        new URL(`${baseOf(origin)}/api/models/${repo}?blobs=true`),
        {},
        deadline,
      ).catch(rethrowTimeout(signal, origin));
      checkStatus(answer, [200], { repo, path: undefined, hadToken });
      const text = await readText(answer.body, MAX_LISTING_BYTES, origin).catch(rethrowTimeout(signal, origin));
      const parsed = listingSchema.safeParse(parseJson(text));
      if (!parsed.success || !isCommit(parsed.data.sha)) {
        throw downloadError(
          'bad-answer',
          `${origin.host} did not describe ${repo} the way Hugging Face does. Check \`catalog.huggingFace.origin\`.`,
        );
      }
      return { commit: parsed.data.sha, files: parsed.data.siblings.flatMap(describeFile) };
    },

    async openFile({ repo, commit, path, offset, etag }, signal) {
      const encoded = path.split('/').map(encodeURIComponent).join('/');
      const url = new URL(`${baseOf(options.origin())}/${repo}/resolve/${commit}/${encoded}`);
      const range: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
      if (offset > 0 && etag !== undefined) range['if-range'] = etag;
      const { answer, linkedEtag, hadToken } = await send(url, range, signal);
      checkStatus(answer, [200, 206, 416], { repo, path, hadToken });
      const encoding = headerOf(answer, 'content-encoding') ?? 'identity';
      if (encoding !== 'identity') {
        discard(answer.body);
        throw downloadError('bad-answer', `${path} came compressed (${encoding}), which nobody asked for.`);
      }
      const length = Number(headerOf(answer, 'content-length') ?? Number.NaN);
      return {
        status: answer.statusCode as FileAnswer['status'],
        body: answer.body,
        etag: strongEtag(headerOf(answer, 'etag')),
        linkedEtag,
        contentRange: headerOf(answer, 'content-range'),
        contentLength: Number.isSafeInteger(length) ? length : undefined,
      };
    },
  };
}

type Sibling = z.output<typeof listingSchema>['siblings'][number];

/** Nothing for files without a digest or size, and for those with a name that is no path below a folder. */
function describeFile({ rfilename, size, blobId, lfs }: Sibling): RepoFile[] {
  const digest = digestOf(lfs?.sha256, blobId ?? undefined);
  const sizeBytes = lfs?.size ?? size ?? undefined;
  if (digest === undefined || sizeBytes === undefined || !isSafeRelativePath(rfilename)) return [];
  return [{ path: rfilename, sizeBytes, digest }];
}

function digestOf(sha256: string | undefined, blobId: string | undefined): FileDigest | undefined {
  if (sha256 !== undefined) return /^[0-9a-f]{64}$/.test(sha256) ? { algorithm: 'sha256', hex: sha256 } : undefined;
  return blobId !== undefined && /^[0-9a-f]{40}$/.test(blobId) ? { algorithm: 'git-sha1', hex: blobId } : undefined;
}

/** Without the quotes for `x-linked-etag` to be compared with a digest; RFC 9110, 8.8.3 for the rest. */
export function bareEtag(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

function strongEtag(etag: string | undefined): string | undefined {
  return etag === undefined || /^W\//i.test(etag) || etag === '' ? undefined : etag;
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A body that nobody wants must not hold its connection. */
function discard(body: Readable): void {
  body.on('error', () => undefined).destroy();
}

function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : 0;
}

async function readText(body: Readable, maxBytes: number, origin: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > maxBytes) throw downloadError('bad-answer', `${origin.host} answered with more than a listing.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What breaks off while a listing is read may go better later. */
function rethrowTimeout(signal: AbortSignal, origin: URL): (thrown: unknown) => never {
  return (thrown) => {
    signal.throwIfAborted();
    if (thrown instanceof AppError || thrown instanceof TransientError) throw thrown;
    throw new TransientError(`${origin.host} did not answer to its end (${explain(thrown)})`, { cause: thrown });
  };
}

/** The system's word for it, which people can look up. */
export function explain(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code } = thrown as NodeJS.ErrnoException;
  return code === undefined || thrown.message.includes(code) ? thrown.message : `${code}: ${thrown.message}`;
}
