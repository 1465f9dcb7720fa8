import http, { type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import systeminformation from 'systeminformation';
import { AppError } from '#shared/contract/errors.ts';
import { sendError } from './error-bodies.ts';
import { formatAddress } from './format-address.ts';
import { isWebSocket, serveAsPlain } from './plain-upgrade.ts';
import { followPipelined } from './pipelined-responses.ts';
import type { UpgradeListener } from './upgrade.ts';

export interface Listeners {
  readonly host: string;
  readonly port: number;
  /** Takes no new connections and ends those that are idle. */
  stopAccepting(): void;
  /** Ends whatever is left. */
  close(): Promise<void>;
}

/** What a server calls; without `upgrade`, wishes to talk in another way than HTTP are ignored. */
export type ServerListener = RequestListener & { readonly upgrade?: UpgradeListener };

/** Such as `listeners[0].host` and `listeners[0].port`. */
export interface AddressSettings {
  readonly host: string;
  readonly port: string;
}

/** Idle keep-alive connections of clients; longer than what common clients use, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADERS = 200;
const TOO_MANY_HEADERS = `The request has ${MAX_HEADERS} headers or more.`;
/** How long the system is asked who holds a port; an answer without a name is better than none. */
const HOLDER_TIMEOUT_MS = 3000;

/**
 * Listens on a host and port; `localhost` means 127.0.0.1 and, where the system has it, ::1 on the same port. Port 0 picks
 * a free one. Throws `port-taken`, naming the holder where the system tells it.
 */
export async function openListeners(options: {
  host: string;
  port: number;
  handler: ServerListener;
  requestTimeoutMs: number;
  /** Where host and port are said, for who must change them. */
  settings: AddressSettings;
  /** Something went wrong after the listener was open; it stays open. */
  onError(error: Error): void;
}): Promise<Listeners> {
  const { host, handler, requestTimeoutMs } = options;
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  const servers: http.Server[] = [];
  /** No connections of the server any more, so that it does not end them. */
  const upgraded = new Set<Socket>();
  let { port } = options;

  const close = async (): Promise<void> => {
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
            for (const socket of upgraded) socket.destroy();
          }),
      ),
    );
  };

  for (const address of addresses) {
    const server = createServer(handler, requestTimeoutMs, upgraded);
    try {
      await listen(server, address, port);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      const hasNoIpv6 = address === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT');
      if (hasNoIpv6) continue;
      await close();
      throw await explainListenFailure(thrown as NodeJS.ErrnoException, {
        host: address,
        port,
        settings: options.settings,
      });
    }
    // A connection that cannot be accepted (no descriptors left) is that client's loss, not everybody's.
    server.on('error', options.onError);
    servers.push(server);
    ({ port } = server.address() as AddressInfo);
  }

  return {
    host,
    port,
    stopAccepting() {
      for (const server of servers) {
        server.close();
        server.closeIdleConnections();
      }
    },
    close,
  };
}

function createServer(handler: ServerListener, requestTimeoutMs: number, upgraded: Set<Socket>): http.Server {
  const server = http.createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(requestTimeoutMs, 8000),
      connectionsCheckingInterval: 2000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // A request without Host is refused by the guard, in the client's own error shape.
      requireHostHeader: false,
    },
    (request, response) => {
      followPipelined(request, response);
      // Node drops what exceeds the count without a word; what is left is not the request that was sent.
      if (request.rawHeaders.length < 2 * MAX_HEADERS) handler(request, response);
      else sendError(response, new AppError('invalid-request', TOO_MANY_HEADERS), 'openai', { connection: 'close' });
    },
  );
  server.maxHeadersCount = MAX_HEADERS;
  const { upgrade } = handler;
  if (upgrade !== undefined) {
    server.on('upgrade', (request, socket: Socket, head) => {
      if (request.rawHeaders.length >= 2 * MAX_HEADERS) {
        refuseSocket(socket, '400 Bad Request', TOO_MANY_HEADERS);
        return;
      }
      if (!isWebSocket(request)) {
        serveAsPlain(server, request, socket, head);
        return;
      }
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
      upgrade(request, socket, head);
    });
  }
  // No limit on how long an answer takes.
  server.timeout = 0;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, message] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'The request headers are too large.']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? ['408 Request Timeout', 'The request was not complete in time.']
          : ['400 Bad Request', 'The request is not valid HTTP.'];
    refuseSocket(socket, status, message);
  });
  return server;
}

/** Where there is no request that could be answered. */
function refuseSocket(socket: Socket, status: string, message: string): void {
  const body = JSON.stringify({
    error: { message, type: 'invalid_request_error', param: null, code: 'invalid_request', source: 'corral' },
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function listen(server: http.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function explainListenFailure(
  error: NodeJS.ErrnoException,
  { host, port, settings }: { host: string; port: number; settings: AddressSettings },
): Promise<AppError> {
  const address = formatAddress(host, port);
  switch (error.code) {
    case 'EADDRINUSE': {
      const holder = await findPortHolder(port);
      return new AppError(
        'port-taken',
        `Port ${port} on ${host} is taken by ${holder ?? 'another program'}. ` +
          `Stop that program, or choose another port with ${settings.port}.`,
        { cause: error },
      );
    }
    case 'EACCES':
      return new AppError('port-taken', `This user may not listen on ${address}; choose a port above 1023.`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new AppError('config-invalid', `This machine has no address ${host}; check ${settings.host}.`, {
        cause: error,
      });
    default:
      return new AppError('port-taken', `Corral cannot listen on ${address}: ${error.message}`, { cause: error });
  }
}

/** `name (pid N)` of whoever listens on a port; undefined where the system does not tell. */
async function findPortHolder(port: number): Promise<string | undefined> {
  const connections = await Promise.race([
    systeminformation.networkConnections().catch(() => []),
    new Promise<never[]>((resolve) => setTimeout(() => resolve([]), HOLDER_TIMEOUT_MS).unref()),
  ]);
  const holder = connections.find((each) => each.state === 'LISTEN' && Number(each.localPort) === port);
  if (holder === undefined || holder.pid === 0) return undefined;
  const name = holder.process === '' ? 'a program' : holder.process;
  return `${name} (pid ${holder.pid})`;
}
