import net from 'node:net';
import { AppError } from '#shared/contract/errors.ts';

const MAX_RECENT_PORTS = 64;

/** From a port on, or anywhere. */
export type FindFreePort = (firstPort?: number) => Promise<number>;

const LAST_PORT = 65_535;

/**
 * Finds TCP ports on 127.0.0.1 that nobody listened on a moment ago, never the same one twice in a short while. Another
 * program may take one before the child does; the caller tries again with another one then. Rejects with `start-failed` where
 * all from the first one on are taken.
 */
export function createPortFinder(): FindFreePort {
  const recentPorts = new Set<number>();

  function take(port: number): number {
    recentPorts.add(port);
    const [oldest] = recentPorts;
    if (recentPorts.size > MAX_RECENT_PORTS && oldest !== undefined) recentPorts.delete(oldest);
    return port;
  }

  return async (firstPort) => {
    if (firstPort !== undefined) {
      for (let port = firstPort; port <= LAST_PORT; port += 1) {
        if (!recentPorts.has(port) && (await probePort(port)) !== undefined) return take(port);
      }
      throw new AppError('start-failed', `No port from ${firstPort} on is free; choose a lower one (\`firstPort\`).`);
    }
    for (;;) {
      const port = await probePort(0);
      if (port !== undefined && !recentPorts.has(port)) return take(port);
    }
  };
}

/** Undefined if somebody has it, or this user may not. */
function probePort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (wanted !== 0 && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) resolve(undefined);
      else reject(error);
    });
    server.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
