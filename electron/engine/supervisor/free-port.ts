import net from 'node:net';

const MAX_RECENT_PORTS = 64;

export type FindFreePort = () => Promise<number>;

/**
 * Finds TCP ports on 127.0.0.1 that nobody listened on a moment ago, never the same one twice in a short while. Another
 * program may take one before the child does; the caller tries again with another one then.
 */
export function createPortFinder(): FindFreePort {
  const recentPorts = new Set<number>();
  return async () => {
    for (;;) {
      const port = await probePort();
      if (recentPorts.has(port)) continue;
      recentPorts.add(port);
      const [oldest] = recentPorts;
      if (recentPorts.size > MAX_RECENT_PORTS && oldest !== undefined) recentPorts.delete(oldest);
      return port;
    }
  };
}

function probePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
