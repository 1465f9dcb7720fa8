import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import { describeBridge } from './bridge-contract.ts';

/** Passes connections on to a port, until it is told to cut them all and refuse new ones. */
async function startRelay(targetPort: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const server = net.createServer((incoming) => {
    keep(incoming);
    if (isCut) {
      incoming.destroy();
      return;
    }
    const outgoing = keep(net.connect(targetPort, '127.0.0.1'));
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    setCut(next: boolean) {
      isCut = next;
      if (isCut) cutAll();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cutAll();
      await closed;
    },
  };
}

describeBridge('the HTTP bridge', async (corral) => {
  const relay = await startRelay(Number(new URL(corral.address).port));
  const bridge = createHttpBridge({
    address: `http://127.0.0.1:${relay.port}/`,
    token: corral.engine.instanceToken,
    reconnectDelaysMs: [10, 50],
  });
  return {
    bridge,
    async loseConnection(meanwhile) {
      relay.setCut(true);
      try {
        await meanwhile();
      } finally {
        relay.setCut(false);
      }
    },
    dispose: relay.close,
  };
});
