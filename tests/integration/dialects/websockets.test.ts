import { afterEach, describe, expect, it } from 'vitest';
import { dialectNames, type DialectName } from '../../../electron/engine/dialects/dialect-names.ts';
import { createTestFolder, eventually, startCorral, type TestCorral } from '../support/corral.ts';
import { askForSocket, closeRawSockets, statusOf, type RawSocket } from '../support/raw-websocket.ts';
import { socketServerModel } from '../support/socket-server.ts';

let corral: TestCorral | undefined;
afterEach(async () => {
  closeRawSockets();
  await corral?.stop();
  corral = undefined;
});

/** A model whose server speaks WebSocket, and the address of a dialect's listener in front of it. */
async function openDoor(
  dialect: DialectName,
  options: Record<string, unknown> = {},
): Promise<{ running: TestCorral; ask(target: string, headers?: Record<string, string>): Promise<RawSocket> }> {
  const folder = await createTestFolder();
  const one = await socketServerModel(folder);
  const listeners = [{ dialect, port: 0, ...(Object.keys(options).length === 0 ? {} : { options }) }];
  const running = await startCorral({ models: { one }, listeners }, { folder });
  corral = running;
  const address = running.engine.furtherListeners()[0]?.address ?? '';
  expect(address).not.toBe(running.address);
  return { running, ask: (target, headers) => askForSocket(address, target, headers) };
}

/** What each program says of a model it does not know. */
const unknownModel: Readonly<Record<DialectName, readonly [status: number, body: RegExp]>> = {
  native: [404, /"code":"model_not_found".*"source":"corral"/],
  ollama: [404, /"code":"model_not_found".*"source":"corral"/],
  llama_cpp_router: [500, /^\{"error":"There is no model/],
  'llama-router': [404, /^\{"error":"model not found"\}$/],
  'llama-model-router': [400, /^no pool for model$/],
  routermodel: [404, /^\{"detail":/],
  'llama-swap': [404, /^There is no model "none"/],
};

describe.each(dialectNames)('a WebSocket at an address of %s', (dialect) => {
  it('reaches the model’s server', async () => {
    const { running, ask } = await openDoor(dialect);
    const raw = await ask('/v1/realtime?model=one&mode=raw');
    expect(await statusOf(raw)).toBe(101);
    expect(running.model('one')).toMatchObject({ state: 'ready', activeRequests: 1 });
    raw.socket.write('to and fro');
    await eventually('it comes back', () => raw.received().endsWith('to and fro'));
    expect(await statusOf(await ask('/upstream/one/any?mode=raw'))).toBe(101);
    raw.socket.end();
    await raw.closed;
  });

  it('is refused in that program’s own words', async () => {
    const { running, ask } = await openDoor(dialect);
    const [status, body] = unknownModel[dialect];
    const unknown = await ask('/v1/realtime?model=none');
    expect(await statusOf(unknown)).toBe(status);
    await unknown.closed;
    expect(unknown.received()).toMatch(/connection: close\r\n/i);
    expect(unknown.received().split('\r\n\r\n')[1]).toMatch(body);
    const foreign = await ask('/v1/realtime?model=one', { Origin: 'https://evil.example' });
    expect(await statusOf(foreign)).toBe(403);
    expect(running.model('one').state).toBe('off');
  });
});

describe('a WebSocket that a dialect would not pass on', () => {
  it('stays within the proxy_endpoints of llama-router', async () => {
    const { running, ask } = await openDoor('llama-router', { models: { one: { proxyEndpoints: ['/v1/chat'] } } });
    const refused = await ask('/v1/realtime?model=one');
    expect(await statusOf(refused)).toBe(404);
    expect(running.model('one').state).toBe('off');
  });
});
