import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '#shared/contract/errors.ts';
import { hostName, isLoopbackAddress } from '../../proxy/guards.ts';
import { sendJson } from '../answers.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { readStatusFile } from './status-file.ts';
import { createStatusStreams } from './status-stream.ts';
import type { FullStatus } from './status-view.ts';

/** The standalone status server: tells what the status file says, whether or not the main server runs. */

/** How often the file is looked at while somebody follows it. */
const LOOK_MS = 500;

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1. Rejects with `port-taken`. */
export async function openStatusServer(options: {
  readonly port: number;
  readonly statusFile: string;
  readonly clock: Clock;
  /** Where the port is said, for who must change it. */
  readonly setting: string;
}): Promise<StatusServer> {
  const { clock, statusFile } = options;
  const streams = createStatusStreams(clock);
  let timer: Timer | undefined;
  let followers = 0;
  let newest: FullStatus = NOTHING_YET;

  async function look(): Promise<void> {
    newest = (await readUnlessBroken(statusFile)) ?? newest;
    streams.update();
    if (followers > 0) timer = clock.setTimer(LOOK_MS, () => void look());
  }

  async function follow(response: ServerResponse): Promise<void> {
    newest = (await readUnlessBroken(statusFile)) ?? NOTHING_YET;
    streams.add(response, () => newest);
    followers += 1;
    timer ??= clock.setTimer(LOOK_MS, () => void look());
    response.once('close', () => {
      followers -= 1;
      if (followers > 0) return;
      timer?.cancel();
      timer = undefined;
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendJson(response, 405, { detail: 'Method Not Allowed' });
      return;
    }
    if (pathname === '/health') {
      sendJson(response, 200, { status: 'ok' });
      return;
    }
    if (pathname === '/status/stream') {
      await follow(response);
      return;
    }
    const status = (await readUnlessBroken(statusFile)) ?? NOTHING_YET;
    if (pathname === '/status') {
      sendJson(response, 200, status);
      return;
    }
    const alias = pathname.startsWith('/status/') ? decodeURIComponent(pathname.slice('/status/'.length)) : undefined;
    const model = alias === undefined ? undefined : status.models[alias];
    if (model !== undefined) sendJson(response, 200, model);
    else sendJson(response, 404, { detail: alias === undefined ? 'Not Found' : `Model '${alias}' not found` });
  }

  const server = createServer((request, response) => {
    const name = hostName(request.headers.host ?? '');
    if (name === undefined || (name !== 'localhost' && !isLoopbackAddress(name))) {
      sendJson(response, 403, { detail: 'This address is served as 127.0.0.1 and localhost only.' });
      return;
    }
    answer(request, response).catch((thrown: unknown) =>
      sendJson(response, thrown instanceof URIError ? 400 : 500, { detail: (thrown as Error).message }),
    );
  });
  const port = await listen(server, options.port, options.setting);
  return {
    port,
    async close() {
      timer?.cancel();
      streams.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What is said before the main server has written anything. */
const NOTHING_YET: FullStatus = {
  server: { status: 'initializing', started_at: '', updated_at: '' },
  models: {},
  summary: {
    total: 0,
    by_status: { off: 0, starting: 0, loading: 0, ready: 0, loaded: 0, stopping: 0, crashed: 0, failed: 0 },
  },
};

/** A file that somebody else broke is none. */
async function readUnlessBroken(statusFile: string): Promise<FullStatus | undefined> {
  try {
    return await readStatusFile(statusFile);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function listen(server: Server, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new AppError('port-taken', `Port ${port} is taken; give the status server another one with ${setting}.`)
          : error,
      ),
    );
    server.listen({ host: '127.0.0.1', port }, () => resolve((server.address() as AddressInfo).port));
  });
}
