import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channels } from '#shared/contract/channels.ts';
import { fakeModel } from '../integration/support/corral.ts';
import { startDesktopWithWindow, type Desktop, waitForText } from './support/desktop.ts';
import { waitUntil } from './support/wait-until.ts';

/** For functions that run in the page. */
declare const window: Record<string, unknown> & { location: { href: string } };
declare const document: {
  createElement(name: string): { href: string; target: string; src: string; click(): void; remove(): void };
  body: { append(element: unknown): void };
};
declare function open(url: string): unknown;

interface PageBridge {
  call(name: string, request: unknown): Promise<{ ok: boolean; error?: { code: string } }>;
}

describe('the window of the desktop app', () => {
  let desktop: Desktop;
  let page: Page;
  let home: string;

  beforeAll(async () => {
    const config = { server: { port: 0 }, models: { one: fakeModel({ name: 'one' }) } };
    ({ desktop, page } = await startDesktopWithWindow({ config }));
    home = page.url();
  });

  afterAll(async () => {
    await desktop.stop();
  });

  /** After everything that a page could have set off by now. */
  async function expectStillHome(): Promise<void> {
    await waitForText(page, 'one');
    await waitUntil('no other page is open', () => page.context().pages().length === 1);
    expect(page.url().split('#')[0]).toBe(home.split('#')[0]);
    expect(await desktop.app.ask('windows')).toHaveLength(1);
  }

  it.each([
    'https://evil.example/',
    'http://127.0.0.1:1/',
    'file:///etc/passwd',
    'data:text/html,<h1>other</h1>',
    'javascript:document.body.remove()',
    'corral://other/',
  ])('E3: does not go to %s, by script or by link', async (url) => {
    await page.evaluate((target) => {
      window.location.href = target;
    }, url);
    await page.evaluate((target) => {
      for (const name of ['', '_blank']) {
        const link = document.createElement('a');
        link.href = target;
        link.target = name;
        document.body.append(link);
        link.click();
        link.remove();
      }
    }, url);
    await expectStillHome();
    expect(await desktop.app.ask('openedOutside')).toEqual([]);
  });

  it('E3: goes on hearing of the engine after it was kept from going elsewhere', async () => {
    await page.evaluate(() => {
      window.location.href = 'https://late.example/';
    });
    const { bridgeCall } = desktop;
    await waitUntil('it is refused', async () => {
      const { lines } = await bridgeCall('read-logs', { source: 'corral' });
      return lines.some(({ text }) => text.includes('late.example'));
    });
    await bridgeCall('load-model', { model: 'one' });
    await page.getByText('ready', { exact: false }).filter({ visible: true }).first().waitFor();
    await bridgeCall('eject-model', { model: 'one' });
  });

  it('E3: opens no window', async () => {
    await page.evaluate(() => {
      for (const url of ['https://evil.example/', 'file:///etc/passwd', 'about:blank', '']) open(url);
    });
    await expectStillHome();
    expect(await desktop.app.ask('openedOutside')).toEqual([]);
  });

  it('E3: hands links of its own to the system’s browser', async () => {
    await page.evaluate(() => void open('https://github.com/ggml-org/llama.cpp'));
    await waitUntil('it is opened outside', async () => (await desktop.app.ask('openedOutside')).length > 0);
    expect(await desktop.app.ask('openedOutside')).toEqual(['https://github.com/ggml-org/llama.cpp']);
    await expectStillHome();
  });

  it('E3: runs no script that was injected into it', async () => {
    const hasRun = await page.evaluate(async () => {
      const script = document.createElement('script') as unknown as { textContent: string };
      script.textContent = 'window.injected = true';
      document.body.append(script);
      await new Promise((resolve) => setTimeout(resolve, 0));
      return window['injected'] === true;
    });
    expect(hasRun).toBe(false);
  });

  it('E4: has a frozen bridge and nothing else of Electron’s or Node’s', async () => {
    const found = await page.evaluate(() => ({
      bridge: Object.keys(window['corral'] as object).sort(),
      isFrozen: Object.isFrozen(window['corral']),
      leaks: ['require', 'process', 'module', 'exports', 'Buffer', 'ipcRenderer', 'electron'].filter(
        (name) => name in window,
      ),
    }));
    expect(found).toEqual({
      bridge: ['call', 'callDesktop', 'onNavigate', 'platform', 'subscribe'],
      isFrozen: true,
      leaks: [],
    });
  });

  it('E4: refuses a frame, whatever it got hold of', async () => {
    for (const channel of [channels.call, channels.callDesktop]) {
      const answer = await desktop.app.invokeFromFrame(channel, ['load-model', { model: 'one' }]);
      expect(answer).toMatchObject({ ok: false, error: { code: 'forbidden' } });
    }
    expect((await desktop.model('one')).state).toBe('off');
  });

  it.each([
    ['an unknown command', 'format-disk', {}, 'unknown-route'],
    ['a prototype’s name', 'constructor', {}, 'unknown-route'],
    ['a name that is none', 7, {}, 'unknown-route'],
    ['no request', 'load-model', null, 'invalid-request'],
    ['a list', 'load-model', [], 'invalid-request'],
    ['a surplus key', 'load-model', { model: 'one', command: ['sh'] }, 'invalid-request'],
    ['a wrong type', 'load-model', { model: { toString: 'one' } }, 'invalid-request'],
    ['two megabytes', 'load-model', { model: 'x'.repeat(2 * 1024 * 1024) }, 'too-large'],
  ])('E4: refuses %s', async (_what, name, request, code) => {
    const answer = await page.evaluate(
      async ([commandName, payload]) => await (window['corral'] as PageBridge).call(commandName as string, payload),
      [name, request] as const,
    );
    expect(answer).toMatchObject({ ok: false, error: { code } });
    expect((await desktop.model('one')).state).toBe('off');
  });

  it('E2: grants no permission but writing to the clipboard', async () => {
    const asked = ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'usb'];
    const answers = asked.map((permission) => desktop.app.ask('permission', { permission, url: 'corral://app/' }));
    expect(await Promise.all(answers)).toEqual(asked.map(() => false));
    expect(await desktop.app.ask('permission', { permission: 'clipboard-sanitized-write', url: 'corral://app/' })).toBe(
      true,
    );
  });
});
