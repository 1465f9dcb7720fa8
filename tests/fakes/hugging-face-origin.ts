import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A server on loopback that speaks Hugging Face's protocol (model info with digests, `resolve` with a redirect to a second
 * host for large files) and misbehaves on request.
 */

export interface HubRepo {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Names that are listed and not served. */
  readonly listedOnly?: readonly { readonly rfilename: string; readonly sha256?: string }[];
  readonly commit?: string;
  /** Only for who sends the token. */
  readonly token?: string;
  readonly isGated?: boolean;
}

/** How the next answers with bytes of a file go wrong; read anew for each. */
export interface HubFaults {
  /** The connection breaks after so many bytes of the answer. */
  cutAfterBytes?: number;
  /** Nothing more comes after so many bytes of the answer; the connection stays. */
  stallAfterBytes?: number;
  /** This bit of the file is the other way round; the size stays. */
  flipBit?: number;
  etag?: string;
  ignoresRange?: boolean;
  /** Answers 206 with bytes from this offset, whatever was asked for. */
  wrongOffset?: number;
  status?: number;
  headers?: Record<string, string>;
  /** Where files are redirected to, in place of the second host. */
  redirectTo?: string;
  /** Between pieces of 64 KiB. */
  delayMs?: number;
}

export interface HubRequest {
  readonly host: 'hub' | 'files';
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

export interface HuggingFaceOrigin {
  readonly url: string;
  /** The second host, to which files are redirected. */
  readonly filesUrl: string;
  readonly repos: Map<string, HubRepo>;
  readonly requests: readonly HubRequest[];
  /** Asked before each answer with bytes of a file, or of a listing. */
  faults: (request: HubRequest) => HubFaults;
  close(): Promise<void>;
}

export const defaultCommit = 'c0ffee'.padEnd(40, '0');

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function startHuggingFaceOrigin(
  repos: Readonly<Record<string, HubRepo>> = {},
): Promise<HuggingFaceOrigin> {
  const requests: HubRequest[] = [];
  const note = (host: HubRequest['host'], { url = '', headers }: IncomingMessage): HubRequest => {
    const request = {
      host,
      path: url,
      range: headers.range,
      ifRange: headers['if-range'] as string | undefined,
      authorization: headers.authorization,
    };
    requests.push(request);
    return request;
  };

  const files = await listen((message, response) => {
    const request = note('files', message);
    const [, repoName = '', name = ''] = /^\/([^/]+\/[^/]+)\/(.*)$/.exec(decodeURI(message.url ?? '')) ?? [];
    const bytes = origin.repos.get(repoName)?.files[name];
    if (bytes === undefined) {
      response.writeHead(404).end();
      return;
    }
    sendBytes(message, response, bytes, origin.faults(request));
  });
  const hub = await listen((message, response) => {
    const request = note('hub', message);
    const url = new URL(message.url ?? '', 'http://hub');
    const faults = origin.faults(request);
    if (faults.status !== undefined) {
      response.writeHead(faults.status, faults.headers).end();
      return;
    }
    const [, listed] = /^\/api\/models\/([^/]+\/[^/]+)$/.exec(url.pathname) ?? [];
    const [, resolved, commit, name = ''] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.*)$/.exec(url.pathname) ?? [];
    const repoName = listed ?? resolved ?? '';
    const repo = origin.repos.get(repoName);
    const isOpen = repo?.token === undefined || message.headers.authorization === `Bearer ${repo.token}`;
    if (repo === undefined || (!isOpen && repo.isGated !== true)) {
      response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end();
      return;
    }
    if (listed !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(describeRepo(repoName, repo)));
      return;
    }
    if (!isOpen) {
      response
        .writeHead(message.headers.authorization === undefined ? 401 : 403, { 'x-error-code': 'GatedRepo' })
        .end();
      return;
    }
    const bytes = repo.files[decodeURIComponent(name)];
    if (bytes === undefined || commit !== (repo.commit ?? defaultCommit)) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
      return;
    }
    response
      .writeHead(302, {
        location: faults.redirectTo ?? `${origin.filesUrl}/${repoName}/${name}`,
        'x-linked-etag': `"${sha256(bytes)}"`,
        'x-linked-size': String(bytes.length),
        'x-repo-commit': commit,
      })
      .end();
  });

  const origin: HuggingFaceOrigin = {
    url: urlOf(hub),
    filesUrl: urlOf(files),
    repos: new Map(Object.entries(repos)),
    requests,
    faults: () => ({}),
    async close() {
      await Promise.all([hub, files].map(stop));
    },
  };
  return origin;
}

function describeRepo(id: string, { files, listedOnly = [], commit = defaultCommit, isGated }: HubRepo): unknown {
  const describe = (rfilename: string, digest: string, size: number): unknown => ({
    rfilename,
    size,
    blobId: 'b'.repeat(40),
    lfs: { sha256: digest, size, pointerSize: 134 },
  });
  return {
    id,
    sha: commit,
    gated: isGated === true ? 'auto' : false,
    siblings: [
      ...Object.entries(files).map(([name, bytes]) => describe(name, sha256(bytes), bytes.length)),
      ...listedOnly.map(({ rfilename, sha256: digest }) => describe(rfilename, digest ?? 'a'.repeat(64), 100)),
    ],
  };
}

function sendBytes(message: IncomingMessage, response: ServerResponse, bytes: Uint8Array, faults: HubFaults): void {
  if (faults.status !== undefined) {
    response.writeHead(faults.status, faults.headers).end();
    return;
  }
  const etag = faults.etag ?? `"${sha256(bytes).slice(0, 32)}"`;
  const asked = /^bytes=(\d+)-$/.exec(message.headers.range ?? '')?.[1];
  const ifRange = message.headers['if-range'];
  const isRange = asked !== undefined && faults.ignoresRange !== true && (ifRange === undefined || ifRange === etag);
  const from = isRange ? (faults.wrongOffset ?? Number(asked)) : 0;
  if (isRange && from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const content = Buffer.from(bytes);
  if (faults.flipBit !== undefined) {
    const at = Math.floor(faults.flipBit / 8);
    content[at] = (content[at] ?? 0) ^ (1 << (faults.flipBit % 8));
  }
  const body = content.subarray(from);
  response.writeHead(isRange ? 206 : 200, {
    etag,
    'accept-ranges': 'bytes',
    'content-length': body.length,
    ...(isRange ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    ...faults.headers,
  });
  const end = Math.min(body.length, faults.cutAfterBytes ?? body.length, faults.stallAfterBytes ?? body.length);
  const finish = (): void => {
    if (faults.stallAfterBytes !== undefined) return;
    if (end < body.length) response.socket?.destroySoon();
    else response.end();
  };
  if (end === 0) response.flushHeaders();
  sendPieces(response, body.subarray(0, end), faults.delayMs ?? 0, finish);
}

const PIECE_BYTES = 65_536;

function sendPieces(response: ServerResponse, body: Buffer, delayMs: number, finish: () => void): void {
  if (response.destroyed) return;
  if (body.length === 0) {
    finish();
    return;
  }
  response.write(body.subarray(0, PIECE_BYTES), () => {
    setTimeout(() => sendPieces(response, body.subarray(PIECE_BYTES), delayMs, finish), delayMs);
  });
}

function listen(handler: (message: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
