import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '#shared/contract/errors.ts';
import { isLoopbackHost } from '../config/schema-fields.ts';

/** What ended a moment ago may take a little to let its port go; what holds it for longer is another program. */
const WAIT_MS = 2000;
const PAUSE_MS = 50;

/**
 * Waits until nobody answers at an address that a command is about to take for itself: a program that does would be taken
 * for the model. Throws `start-failed` if somebody goes on to. Addresses elsewhere are not asked.
 */
export async function waitForFreeAddress(
  modelId: string,
  address: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  if (!isLoopbackHost(address.host)) return;
  const deadlineMs = performance.now() + WAIT_MS;
  while (await canConnect(address)) {
    signal.throwIfAborted();
    if (performance.now() > deadlineMs) {
      throw new AppError(
        'start-failed',
        `Model "${modelId}" cannot be started: another program listens on ${address.host}:${address.port}, the address in ` +
          'its `proxy`. Stop that program, or give the model another port in its command and its `proxy`.',
      );
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

function canConnect({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 500 });
    const finish = (isAnswered: boolean) => (): void => {
      socket.destroy();
      resolve(isAnswered);
    };
    socket.once('connect', finish(true));
    socket.once('timeout', finish(false));
    socket.once('error', finish(false));
  });
}
