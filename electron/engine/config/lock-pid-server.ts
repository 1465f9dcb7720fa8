import { connect, createServer, type Server, type Socket } from 'node:net';

/** How long a holder that accepts connections may take to say its number; a stopped (SIGSTOP) one never does. */
const ANSWER_TIMEOUT_MS = 2000;

export interface PidServer {
  /** Stops listening and drops whoever is connected; resolves when both are done. */
  close(): Promise<void>;
}

/**
 * Listens on a socket path or pipe and tells everybody who connects `{"pid":N}` and a line break. Rejects with the
 * system's error, EADDRINUSE if somebody listens there. Does not keep the process alive by itself.
 */
export async function listenWithPid(path: string, pid: number): Promise<PidServer> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    // Whoever asked has gone away again; there is nobody left to tell.
    socket.on('error', () => socket.destroy());
    socket.end(`${JSON.stringify({ pid })}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.unref();
  return { close: () => closeServer(server, connections) };
}

function closeServer(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
    for (const connection of connections) connection.destroy();
  });
}

export type ProbeResult =
  /** Nobody listens: the address is left over, or not there at all. */
  | { readonly kind: 'dead' }
  /** Somebody listens; the number is missing if they did not give it. */
  | { readonly kind: 'alive'; readonly pid: number | undefined };

/**
 * Asks who listens on a socket path or pipe. Only a refused connection or a missing name counts as dead: everything else,
 * such as a holder too busy to answer, may be alive. Rejects with the reason of `signal`.
 */
export function probePid(path: string, signal?: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path });
    const timeout = setTimeout(() => finish({ kind: 'alive', pid: undefined }), ANSWER_TIMEOUT_MS);
    const cleanUp = (): void => {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
    };
    const finish = (result: ProbeResult): void => {
      cleanUp();
      resolve(result);
    };
    const onAbort = (): void => {
      cleanUp();
      reject(signal?.reason as Error);
    };
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.includes('\n') || answer.length > 256) finish({ kind: 'alive', pid: pidFrom(answer) });
    });
    socket.on('end', () => finish({ kind: 'alive', pid: pidFrom(answer) }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isDead = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      finish(isDead ? { kind: 'dead' } : { kind: 'alive', pid: undefined });
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

function pidFrom(answer: string): number | undefined {
  const digits = /^\{"pid":(\d{1,10})\}\n/.exec(answer)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
