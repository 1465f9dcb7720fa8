import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { fakeModel } from '../integration/support/corral.ts';
import { startDesktop, startDesktopWithWindow, type Desktop, waitForText } from './support/desktop.ts';
import { waitUntil } from './support/wait-until.ts';

/** What may go wrong around the desktop app, and what it makes of it. */

const config = {
  server: { port: 0 },
  models: { slow: fakeModel({ name: 'slow', tokens: 150, tokenDelayMs: 50 }) },
};

describe('the desktop app in trouble', () => {
  let desktop: Desktop | undefined;
  let holder: Server | undefined;

  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
    holder?.closeAllConnections();
    holder?.close();
    holder = undefined;
  });

  async function openDialog(of: Desktop) {
    return await waitUntil('a dialog is shown', async () => (await of.app.ask('dialogs')).find(({ isOpen }) => isOpen));
  }

  it('E6: names who holds its port and starts on another one if told to, without a word to the holder', async () => {
    const heard: string[] = [];
    holder = createServer((request, response) => {
      heard.push(request.url ?? '');
      response.end();
    });
    holder.listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;

    desktop = await startDesktop({ config: { ...config, server: { port } } });
    const question = await openDialog(desktop);
    expect(question.message).toBe('Corral’s address is taken');
    expect(question.detail).toContain(String(port));
    expect(question.detail).toContain(`${process.pid}`);
    const other = question.buttons.findIndex((label) => /^Use port \d+ this time$/.test(label));
    await desktop.app.ask('answerDialog', { id: question.id, answer: other });
    await desktop.app.page();
    const address = await desktop.address();
    expect(address).toBe(`http://127.0.0.1:${/\d+/.exec(question.buttons[other] ?? '')?.[0] ?? ''}`);
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect(heard).toEqual([]);
  });

  it('says what is wrong with its configuration, and starts once that is mended', async () => {
    desktop = await startDesktop({ config: 'server:\n  port: twelve\nmodles: {}\n' });
    const first = await openDialog(desktop);
    expect(first.message).toBe('The configuration cannot be used');
    expect(first.detail).toContain(desktop.configFile);
    expect(first.detail).toContain('server.port');
    expect(first.detail).toContain('modles');

    const press = async (dialog: typeof first, label: string): Promise<void> => {
      await desktop?.app.ask('answerDialog', { id: dialog.id, answer: dialog.buttons.indexOf(label) });
    };
    await press(first, 'Open the file');
    const second = await openDialog(desktop);
    expect(await desktop.app.ask('openedOutside')).toEqual([desktop.configFile]);
    await writeFile(desktop.configFile, stringify(config));
    await press(second, 'Try again');
    await desktop.app.page();
    expect((await desktop.snapshot()).models.map(({ id }) => id)).toEqual(['slow']);
  });

  it('ends when it cannot start and the user would rather quit', async () => {
    desktop = await startDesktop({ config: 'server: [' });
    const { id, buttons } = await openDialog(desktop);
    await desktop.app.ask('answerDialog', { id, answer: buttons.indexOf('Quit') });
    expect(await desktop.app.exited).toBe(1);
  });

  it('goes on with the last good configuration when the file is broken, and quits in order', async () => {
    ({ desktop } = await startDesktopWithWindow({ config }));
    const { snapshot, configFile, quit } = desktop;
    await writeFile(configFile, `${await readFile(configFile, 'utf8')}\nmodles: {}\n`);
    await waitUntil('the error is known', async () => (await snapshot()).instance.configErrors.length > 0);
    expect((await snapshot()).models.map(({ id }) => id)).toEqual(['slow']);
    expect(await quit()).toBe(0);
  });

  it('E7: loses no stream when the window’s process dies, and the window comes back', async () => {
    const started = await startDesktopWithWindow({ config });
    ({ desktop } = started);
    const { app } = desktop;
    const chat = await desktop.startChat('slow');
    await waitUntil('tokens come', () => chat.count() > 2);
    await app.ask('crashRenderers');
    await waitUntil('the dead window is gone', () => started.page.isClosed());
    const page = await app.page();
    await waitForText(page, 'slow');
    expect(await app.ask('windows')).toMatchObject([{ isVisible: true }]);
    expect(await chat.text).toContain('slow-token-150');
  });

  it('E1: serves streams while the window’s thread is blocked for five seconds', async () => {
    const { desktop: running, page } = await startDesktopWithWindow({ config });
    desktop = running;
    const chat = await running.startChat('slow');
    await waitUntil('tokens come', () => chat.count() > 2);
    const before = chat.count();
    await page.evaluate(() => {
      const endMs = performance.now() + 5000;
      while (performance.now() < endMs);
    });
    // At 20 tokens a second; a stream that stood still would have none.
    expect(chat.count() - before).toBeGreaterThan(40);
    expect(await chat.text).toContain('slow-token-150');
    await waitForText(page, 'slow');
  });

  it('brings the window back from a display that went away', async () => {
    ({ desktop } = await startDesktopWithWindow({ config }));
    const { app } = desktop;
    const [before] = await app.ask('windows');
    const small = { id: 2, scaleFactor: 2, bounds: { x: 5000, y: 0, width: 1280, height: 800 } };
    await app.ask('displays', [{ ...small, workArea: { ...small.bounds, height: 760 } }]);
    const [after] = await app.ask('windows');
    expect(before?.bounds.x).toBeLessThan(5000);
    expect(after?.bounds.x).toBeGreaterThanOrEqual(5000);
  });
});
