import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { fakeModel } from '../integration/support/corral.ts';
import { startDesktopWithWindow, type Desktop } from './support/desktop.ts';
import { checkAccessibility, screenshotAll, showPage } from './support/page-checks.ts';
import { waitUntil } from './support/wait-until.ts';

/** Servers elsewhere: how the window shows them, from what they do. */

interface Remote {
  readonly url: string;
  readonly port: number;
  /** What `/health` answers. */
  status: number;
  /** Chats that wait for their answer. */
  readonly held: ServerResponse[];
  close(): Promise<void>;
}

/** Another machine's server with two models; a chat is answered once the test says so. */
async function startRemote(port = 0): Promise<Remote> {
  const held: ServerResponse[] = [];
  const server = http.createServer((request, response) => {
    if (request.url === '/health') {
      response.writeHead(remote.status, { 'content-type': 'application/json' }).end('{}');
    } else if (request.url === '/v1/models') {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ data: [{ id: 'far' }, { id: 'farther' }] }));
    } else {
      request.resume();
      held.push(response);
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const remote: Remote = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    status: 200,
    held,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return remote;
}

describe('pools in the window', () => {
  let desktop: Desktop | undefined;
  const remotes: Remote[] = [];
  const pageErrors: string[] = [];

  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
    await Promise.all(remotes.splice(0).map((remote) => remote.close()));
    expect(pageErrors.splice(0)).toEqual([]);
  });

  /** One endpoint that answers one request at a time, and one at whose address nothing listens. */
  async function open(): Promise<{ desktop: Desktop; page: Page; live: Remote; dead: Remote }> {
    const [live, dead] = [await startRemote(), await startRemote()];
    await dead.close();
    remotes.push(live);
    const config = {
      server: { port: 0 },
      models: { one: fakeModel({ name: 'one' }) },
      pools: {
        lab: {
          endpoints: [{ url: live.url, concurrency: 1 }, { url: dead.url }],
          sticky: 'user',
          health: { interval: '200ms' },
        },
      },
    };
    const started = await startDesktopWithWindow({ config });
    ({ desktop } = started);
    started.page.setDefaultTimeout(15_000);
    started.page.on('pageerror', (error) => pageErrors.push(error.message));
    await elsewhere(started.page).waitFor();
    return { ...started, live, dead };
  }

  const elsewhere = (page: Page) => page.getByRole('region', { name: 'Elsewhere' });
  const endpoint = (page: Page, { url }: Remote) => elsewhere(page).locator(`[data-endpoint="${url}"]`);
  const says = (page: Page, remote: Remote, text: string) =>
    endpoint(page, remote).getByText(text, { exact: true }).waitFor();

  async function changeConfig(running: Desktop, change: (config: Record<string, unknown>) => void): Promise<void> {
    const config = parse(await readFile(running.configFile, 'utf8')) as Record<string, unknown>;
    change(config);
    await writeFile(running.configFile, stringify(config));
  }

  function ask({ address }: { address: string }): Promise<{ status: number; text: string }> {
    const body = JSON.stringify({ model: 'far', messages: [{ role: 'user', content: 'Hello' }] });
    const headers = { 'content-type': 'application/json' };
    const asked = fetch(`${address}/v1/chat/completions`, { method: 'POST', headers, body }).then(async (response) => ({
      status: response.status,
      text: await response.text(),
    }));
    asked.catch(() => undefined); // Whoever asked looks at it.
    return asked;
  }

  const answer = (response: ServerResponse | undefined): unknown =>
    response?.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ choices: [] }));

  it('says of each endpoint how it is, and follows it without being asked', async () => {
    const { page, live, dead } = await open();
    await elsewhere(page).getByRole('heading', { level: 2, name: 'Elsewhere' }).waitFor();
    await elsewhere(page).getByRole('heading', { level: 3, name: 'lab' }).waitFor();
    await elsewhere(page).getByText('1 of 2 healthy · 0 users remembered').waitFor();
    await says(page, live, 'healthy');
    await says(page, live, '2 models');
    await says(page, live, '0 of 1 running');
    await says(page, live, 'checked just now');
    await says(page, dead, 'down');
    await endpoint(page, dead)
      .getByText(/^Cannot be used: nothing listens at its address/)
      .waitFor();

    live.status = 503;
    await says(page, live, 'loading');
    live.status = 200;
    await says(page, live, 'healthy');

    remotes.push(await startRemote(dead.port));
    await says(page, dead, 'healthy');
    await says(page, dead, '2 models');
    await elsewhere(page).getByText('2 of 2 healthy').waitFor();
    expect(await elsewhere(page).getByText('Cannot be used').count()).toBe(0);
  });

  it('shows what runs there and, by keyboard, who waits for it and can be cancelled', async () => {
    const { page, desktop: running, live } = await open();
    await says(page, live, 'healthy');
    const address = await running.address();
    const before = await endpoint(page, live).boundingBox();
    const served = ask({ address });
    await says(page, live, '1 of 1 running');
    const cancelled = ask({ address });
    const waiting = elsewhere(page).getByRole('link', { name: '1 waiting' });
    await waiting.waitFor();
    expect(await endpoint(page, live).boundingBox()).toEqual(before);
    expect(await screenshotAll(page, ['herd/elsewhere'])).toEqual({});

    await page.locator('[data-model=one] button').last().focus();
    await page.keyboard.press('Tab');
    await elsewhere(page).locator('a:focus-visible', { hasText: '1 waiting' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
    await page.getByText('slot of pool lab: 1 busy').waitFor();
    // It has no log here, and none of the colours of the models that are.
    const link = page.getByRole('link', { name: 'lab/far', exact: true });
    expect(await link.getAttribute('href')).toBe('#/herd');
    expect(await link.locator('xpath=preceding-sibling::span').getAttribute('style')).toContain('--others');
    await page.getByRole('button', { name: /^Cancel.*far/ }).click();
    expect(await cancelled).toMatchObject({ status: 503, text: expect.stringContaining('cancelled') as string });

    await showPage(page, 'herd');
    answer(live.held[0]);
    expect((await served).status).toBe(200);
    await says(page, live, '0 of 1 running');
    await waiting.waitFor({ state: 'detached' });
  });

  it('needs no models of this machine, and is not there without pools', async () => {
    const { page, desktop: running, live } = await open();
    await changeConfig(running, (config) => (config['models'] = {}));
    await page.getByRole('heading', { name: 'No models on this machine' }).waitFor();
    await says(page, live, 'healthy');
    expect(await page.getByRole('heading', { name: 'From here to your own models' }).count()).toBe(0);
    expect(await checkAccessibility(page)).toEqual([]);

    await changeConfig(running, (config) => {
      config['models'] = { one: fakeModel({ name: 'one' }) };
      delete config['pools'];
    });
    await page.getByRole('list', { name: 'Models' }).waitFor();
    await elsewhere(page).waitFor({ state: 'detached' });
    expect(await page.getByText('Elsewhere').count()).toBe(0);
    await waitUntil('the engine has none', async () => (await running.snapshot()).pools.length === 0);
  });
});
