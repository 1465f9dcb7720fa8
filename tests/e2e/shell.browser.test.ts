import { afterEach, describe, expect, it } from 'vitest';
import { fakeModel } from '../integration/support/corral.ts';
import { startDesktop, startDesktopWithWindow, type Desktop, waitForText } from './support/desktop.ts';
import { waitUntil } from './support/wait-until.ts';

/** Window, tray and process of the desktop, as a user opens, closes and quits them. */

const config = {
  server: { port: 0 },
  models: { one: fakeModel({ name: 'one' }), slow: fakeModel({ name: 'slow', tokens: 400, tokenDelayMs: 50 }) },
};

describe('the desktop app', () => {
  let desktop: Desktop | undefined;

  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
  });

  it('opens its window at the first start, on its own page', async () => {
    const started = await startDesktopWithWindow({ config });
    ({ desktop } = started);
    const [window] = await desktop.app.ask('windows');
    expect(window).toMatchObject({ isVisible: true, isFocused: true });
    expect(window?.url).toMatch(/^corral:\/\/app\//);
    await waitForText(started.page, 'one');
    expect(await started.page.title()).toContain('Corral');
  });

  it('stays in the tray when the window is closed, and opens it again from there', async () => {
    const { app, address } = (({ desktop } = await startDesktopWithWindow({ config })), desktop);
    await app.ask('closeWindows');
    expect(await app.ask('windows')).toEqual([]);
    expect((await fetch(`${await address()}/health`)).status).toBe(200);
    expect((await app.ask('tray'))?.items.map(({ id }) => id)).toContain('open');
    await desktop.clickTray('open');
    await app.page();
    expect(await app.ask('windows')).toHaveLength(1);
  });

  it('starts hidden when the system starts it at login', async () => {
    desktop = await startDesktop({ config, args: ['--hidden'] });
    await desktop.address();
    const { app } = desktop;
    await waitUntil('the tray is there', async () => ((await app.ask('tray'))?.items.length ?? 0) > 3);
    expect(await app.ask('windows')).toEqual([]);
  });

  it('loads and ejects from the tray, for real', async () => {
    desktop = await startDesktop({ config, args: ['--hidden'] });
    const { app, model, liveProcesses } = desktop;
    const findItem = async (id: string) => (await app.ask('tray'))?.items.find((item) => item.id === id);
    await waitUntil('the tray offers to load', async () => (await findItem('load'))?.isEnabled);
    const before = await liveProcesses();

    await desktop.clickTray('load', 'load:one');
    await waitUntil('the model is loaded', async () => (await model('one')).state === 'ready');
    // While it was loading the item was there with other things in it.
    const loaded = await waitUntil('the tray shows it as loaded', async () => {
      const item = await findItem('model:one');
      return item?.items.some(({ id }) => id === 'model:one:eject-now') === true ? item : undefined;
    });
    expect(loaded.label).toContain('one');
    const { pid } = await model('one');
    expect((await liveProcesses()).map((each) => each.pid)).toContain(pid);

    await desktop.clickTray('model:one', 'model:one:eject-now');
    await waitUntil('the model is off', async () => (await model('one')).state === 'off');
    await waitUntil('the tray no longer shows it', async () => (await findItem('model:one')) === undefined);
    const left = (await liveProcesses()).map((each) => each.pid);
    expect(left).not.toContain(pid);
    expect(left.length).toBeLessThanOrEqual(before.length + 1); // The guard of the children may have come.
  });

  it('E5: a second launch shows the first one’s window and ends within two seconds', async () => {
    ({ desktop } = await startDesktopWithWindow({ config }));
    const { app } = desktop;
    const tookMs: number[] = [];
    // On a machine that is busy with other things one of three tells what it takes.
    for (let attempt = 0; attempt < 3 && Math.min(...tookMs) > 2000; attempt += 1) {
      await app.ask('closeWindows');
      const second = await app.launchSecond();
      expect(second.exitCode).toBe(0);
      tookMs.push(second.tookMs);
      await app.page();
      expect(await app.ask('windows')).toMatchObject([{ isVisible: true, isFocused: true }]);
    }
    expect(Math.min(...tookMs)).toBeLessThanOrEqual(2000);
  });

  it('quits from the tray and leaves no process, with a model loaded and the window open', async () => {
    ({ desktop } = await startDesktopWithWindow({ config }));
    const chat = await desktop.startChat('one');
    await chat.text;
    expect((await desktop.model('one')).state).toBe('ready');
    expect(await desktop.quit()).toBe(0);
    const { liveProcesses } = desktop;
    await waitUntil('no process is left', async () => (await liveProcesses()).length === 0, 10_000);
  });

  it('says so when it cannot quit at once, and does when it is told to', async () => {
    ({ desktop } = await startDesktopWithWindow({ config }));
    const { app } = desktop;
    const chat = await desktop.startChat('slow');
    await desktop.clickTray('quit');
    const notice = await waitUntil('it is said', async () => (await app.ask('dialogs')).find(({ isOpen }) => isOpen));
    expect(notice).toMatchObject({ message: 'Corral is stopping', buttons: ['Wait', 'Quit now'] });
    expect(notice.detail).toContain('1 running request');
    await app.ask('answerDialog', { id: notice.id, answer: 1 });
    expect(await app.exited).toBe(0);
    await chat.text.catch(() => undefined); // Cut, as the user chose.
    const { liveProcesses } = desktop;
    await waitUntil('no process is left', async () => (await liveProcesses()).length === 0, 10_000);
  });
});
