import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DesktopApp, DesktopDriver } from '../e2e/driver.ts';
import { createStandInDriver } from '../e2e/stand-in-driver.ts';
import type { PageDocument } from '../e2e/support/page-globals.ts';
import { waitUntil } from '../e2e/support/wait-until.ts';
import { createTestFolder, type TestFolder } from '../integration/support/corral.ts';

/** The points of Electron's documentation that Corral relies on, and that a stand-in could easily get wrong. */

const source = fileURLToPath(new URL('../fixtures/electron-app/', import.meta.url));

interface FixtureWindow {
  readonly fixture: {
    readonly nested: { readonly list: readonly number[] };
    echo(...args: unknown[]): Promise<{ args: unknown[]; isMainFrame: boolean; url: string }>;
    fail(): Promise<unknown>;
    invoke(channel: string): Promise<unknown>;
    say(...words: unknown[]): void;
    onSaid(listener: (...words: unknown[]) => void): void;
    askNumbers(count: number): void;
    onNumber(listener: (number: number) => void): void;
  };
}
/** For functions that run in the page. */
declare const window: FixtureWindow;
declare const document: PageDocument;
declare function open(url: string): unknown;

async function buildFixture(folder: string): Promise<string> {
  const appPath = path.join(folder, 'app');
  await mkdir(appPath, { recursive: true });
  const shared = { absWorkingDir: source, bundle: true, outdir: appPath, external: ['electron'], target: 'node20' };
  await Promise.all([
    build({ ...shared, entryPoints: ['./main.ts'], platform: 'node', format: 'esm', outExtension: { '.js': '.mjs' } }),
    build({ ...shared, entryPoints: ['./preload.ts'], format: 'cjs', outExtension: { '.js': '.cjs' } }),
    writeFile(
      path.join(appPath, 'package.json'),
      JSON.stringify({ name: 'fixture', version: '1.2.3', main: 'main.mjs', type: 'module' }),
    ),
  ]);
  return appPath;
}

describe('the stand-in for Electron', () => {
  let folder: TestFolder;
  let driver: DesktopDriver;
  let app: DesktopApp;
  let page: Page;

  const events = async (): Promise<string[]> =>
    await page.evaluate(async () => (await window.fixture.invoke('events')) as string[]);
  const expectEvent = async (event: string): Promise<void> => {
    await waitUntil(`the event "${event}"`, async () => (await events()).includes(event), 10_000);
  };

  beforeAll(async () => {
    folder = await createTestFolder();
    driver = await createStandInDriver({ appPath: await buildFixture(folder.path) });
    app = await driver.launch({ folder, args: [] });
    page = await app.page();
  });

  afterAll(async () => {
    await app.dispose();
    await folder.dispose();
  });

  it('names the browser it runs in', () => {
    expect(driver.name).toMatch(/^the stand-in for Electron with .+/);
  });

  it('shows the window when its page is ready, under the address of the app', async () => {
    await expectEvent('show');
    expect((await events()).slice(0, 3)).toEqual(['start fixture://app/start?x=1 false', 'ready-to-show', 'show']);
    await waitUntil('its title is known', async () => (await app.ask('windows'))[0]?.title === 'Fixture');
    expect(await app.ask('windows')).toMatchObject([
      { url: 'fixture://app/start?x=1', isVisible: true, isFocused: true, bounds: { width: 700 } },
    ]);
  });

  it('sends structured clones both ways, and refuses what has none', async () => {
    const { args, isMainFrame, url } = await page.evaluate(async () => {
      const loop: { self?: unknown } = {};
      loop.self = loop;
      const values = [
        undefined,
        Number.NaN,
        5n,
        new Date(7),
        new Map([['a', new Set([1])]]),
        new Uint8Array([1, 255]),
        loop,
      ];
      const answer = await window.fixture.echo(...values);
      const [none, nan, big, date, map, bytes, back] = answer.args as typeof values;
      const told = [
        none === undefined,
        Number.isNaN(nan),
        big === 5n,
        date instanceof Date && date.getTime() === 7,
        map instanceof Map && (map.get('a') as Set<number>).has(1),
        bytes instanceof Uint8Array && bytes[1] === 255,
        (back as typeof loop).self === back,
      ];
      return { ...answer, args: told };
    });
    expect(args).toEqual([true, true, true, true, true, true, true]);
    expect({ isMainFrame, url }).toEqual({ isMainFrame: true, url: 'fixture://app/start?x=1' });
    const refused = await page.evaluate(async () => {
      try {
        await window.fixture.echo(Symbol('no'));
        return 'sent';
      } catch (thrown) {
        return (thrown as Error).message;
      }
    });
    expect(refused).toMatch(/symbol|cloned/i);
  });

  it('tells the page of a handler’s failure as Electron does', async () => {
    const failures = await page.evaluate(async () => [
      await window.fixture.fail().catch((thrown: unknown) => (thrown as Error).message),
      await window.fixture.invoke('nobody').catch((thrown: unknown) => (thrown as Error).message),
    ]);
    expect(failures).toEqual([
      "Error invoking remote method 'fail': TypeError: as asked",
      "Error invoking remote method 'nobody': Error: No handler registered for 'nobody'",
    ]);
  });

  it('keeps messages to the page in order', async () => {
    const numbers = await page.evaluate(
      () =>
        new Promise<number[]>((resolve) => {
          const heard: number[] = [];
          window.fixture.onNumber((number) => {
            if (heard.push(number) === 300) resolve(heard);
          });
          window.fixture.askNumbers(300);
        }),
    );
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });

  it('gives the page a frozen bridge and nothing else of Electron’s', async () => {
    const found = await page.evaluate(() => {
      const before = window.fixture;
      Reflect.set(window, 'fixture', 'mine');
      return {
        isKept: window.fixture === before,
        isFrozen: Object.isFrozen(before) && Object.isFrozen(before.nested) && Object.isFrozen(before.nested.list),
        leaks: Object.keys(window).filter((name) => /require|process|module|ipc|electron|send_|standIn/i.test(name)),
      };
    });
    expect(found).toEqual({ isKept: true, isFrozen: true, leaks: [] });
  });

  it('tells frames apart, and runs no preload script in them', async () => {
    const answer = (await app.invokeFromFrame('echo', ['from a frame'])) as object;
    expect(answer).toEqual({ args: ['from a frame'], isMainFrame: false, url: 'about:blank' });
    const bridgeInFrame = await page.evaluate(() => {
      const frame = document.createElement('iframe');
      document.body.append(frame);
      const type = typeof (frame.contentWindow as unknown as FixtureWindow).fixture;
      frame.remove();
      return type;
    });
    expect(bridgeInFrame).toBe('undefined');
  });

  it('asks before the page goes elsewhere or opens a window', async () => {
    await page.locator('#away').click();
    await expectEvent('will-navigate https://away.example/');
    await page.locator('#blank').click();
    await expectEvent('open https://blank.example/');
    await page.evaluate(() => void open('https://opened.example/'));
    await expectEvent('open https://opened.example/');
    expect(await app.ask('windows')).toMatchObject([{ url: 'fixture://app/start?x=1' }]);
    await waitUntil('only one page is left', () => page.context().pages().length === 1);
    expect(await page.evaluate(() => document.title)).toBe('Fixture');
  });

  it('hands requests of the scheme to its handler, with bodies and streams', async () => {
    const told = await page.evaluate(async () => {
      const response = await fetch('/echo?q=1', { method: 'POST', body: 'héllo' });
      return await response.json();
    });
    expect(told).toEqual({ url: 'fixture://app/echo?q=1', method: 'POST', origin: 'fixture://app', body: 'héllo' });
    const first = await page.evaluate(async () => {
      const gone = new AbortController();
      const response = await fetch('/stream', { signal: gone.signal });
      const { value } = (await response.body!.getReader().read()) as { value?: Uint8Array };
      gone.abort();
      return new TextDecoder().decode(value);
    });
    expect(first).toBe('first');
    await waitUntil('the stream is given up', async () =>
      (await events()).some((event) => event.startsWith('stream ')),
    );
  });

  it('clicks items of the tray as a user would', async () => {
    expect(await app.ask('tray')).toMatchObject({
      menuCount: 1,
      items: [{ label: 'More', items: [{ label: 'Marked', isChecked: false }] }, { isEnabled: false }, {}, {}, {}],
    });
    await app.ask('clickTrayItem', ['More', 'Marked']);
    await expectEvent('marked true');
    await expect(app.ask('clickTrayItem', ['Off'])).rejects.toThrow(/cannot be clicked/);
    await expect(app.ask('clickTrayItem', ['Nothing'])).rejects.toThrow(/it has "More", "Off", "Open"/);
  });

  it('asks the app about permissions', async () => {
    const answers = ['midi', 'geolocation'].map((permission) =>
      app.ask('permission', { permission, url: 'fixture://app' }),
    );
    expect(await Promise.all(answers)).toEqual([true, false]);
  });

  it('lets one instance live, which hears of others', async () => {
    const { exitCode } = await app.launchSecond(['--again']);
    expect(exitCode).toBe(3);
    await expectEvent('second-instance --again {"from":"fixture"}');
  });

  it('tells of a renderer that died, once, and has a new window for the app', async () => {
    const dead = page;
    await app.ask('crashRenderers');
    await waitUntil('the dead window is closed', () => dead.isClosed());
    page = await app.page();
    expect(await page.evaluate(() => document.title)).toBe('Fixture');
    expect((await events()).filter((event) => event.startsWith('gone'))).toEqual(['gone crashed']);
  });

  it('goes on without windows, quits in order, and leaves nothing', async () => {
    await app.ask('closeWindows');
    expect(await app.ask('windows')).toEqual([]);
    await app.ask('clickTrayItem', ['Open']);
    page = await app.page();
    await app.ask('clickTrayItem', ['Quit']).catch(() => undefined); // It may be gone before it answers.
    expect(await app.exited).toBe(0);
    const order = app.output().trim().split('\n');
    expect(order.filter((event) => /close|quit/.test(event)).slice(-7)).toEqual([
      'close',
      'closed',
      'window-all-closed',
      'before-quit',
      'close',
      'closed',
      'will-quit',
    ]);
    await waitUntil('no process is left', async () => (await folder.liveProcesses()).length === 0, 10_000);
  });
});
