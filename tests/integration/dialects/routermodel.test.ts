import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { eventually, fakeModel, startCorral, type TestCorral } from '../support/corral.ts';
import { freePort } from '../support/free-port.ts';

let corral: TestCorral | undefined;
afterEach(async () => {
  await corral?.stop();
  corral = undefined;
});

const configWith = (statusPort: number): Record<string, unknown> => ({
  models: { one: fakeModel({ name: 'one' }) },
  listeners: [{ dialect: 'routermodel', port: 0, options: { statusPort } }],
});

async function read(port: number, route: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${port}${route}`);
  return { status: response.status, body: await response.json() };
}

const isClosed = async (port: number): Promise<boolean> => {
  try {
    await read(port, '/health');
    return false;
  } catch {
    return true;
  }
};

describe('statusPort', () => {
  it('has the standalone status server there, and ends with Corral', async () => {
    const port = await freePort();
    const running = await startCorral(configWith(port));
    corral = running;
    await eventually('it answers', async () => !(await isClosed(port)));
    expect(await read(port, '/health')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await read(port, '/status/nobody')).toMatchObject({ status: 404 });
    await running.chat('one');
    await eventually('it tells what runs', async () => {
      const { status, body } = await read(port, '/status/one');
      return status === 200 && ['ready', 'loaded'].includes((body as { status: string }).status);
    });
    expect((await read(port, '/status')).body).toMatchObject({
      summary: { total: 1 },
      models: { one: { alias: 'one' } },
    });

    const stream = await fetch(`http://127.0.0.1:${port}/status/stream`);
    const reader = stream.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value as Uint8Array)).toMatch(/^event: full_status\n/);
    // Whoever follows it does not keep Corral from ending.
    corral = undefined;
    await running.stop();
    expect(await isClosed(port)).toBe(true);
    for (let part = first; part?.done === false; part = await reader?.read());
  });

  it('moves and goes with the configuration', async () => {
    const [before, after] = [await freePort(), await freePort()];
    const running = await startCorral(configWith(before));
    corral = running;
    await eventually('it answers', async () => !(await isClosed(before)));
    await running.folder.write('config.yaml', stringify(configWith(after)));
    await eventually('it has moved', async () => (await isClosed(before)) && !(await isClosed(after)));
    await running.folder.write('config.yaml', stringify({ ...configWith(after), listeners: [] }));
    await eventually('it is gone', async () => await isClosed(after));
  });

  it('that is taken is told of, and keeps nothing else from its work', async () => {
    const other = createServer((_request, response) => void response.end('{}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    try {
      corral = await startCorral(configWith(port));
      const { logLines } = corral;
      await eventually('it is told', () =>
        logLines.some((line) =>
          line.includes(`Port ${port} is taken; give the status server another one with statusPort.`),
        ),
      );
      expect(await corral.chat('one')).toContain('one');
    } finally {
      await new Promise((resolve) => other.close(resolve).closeAllConnections());
    }
  });
});
