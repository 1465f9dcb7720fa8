import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestFolder, fakeModel, startCorral, type TestCorral } from '../integration/support/corral.ts';
import { ensureChromium } from './support/chromium.ts';
import { showPage } from './support/page-checks.ts';

/** The window of a Corral without a desktop, at `/ui/` in a browser, over HTTP. */

const windowFolder = fileURLToPath(new URL('../../out/renderer', import.meta.url));
const config = { models: { one: fakeModel({ name: 'one' }) } };

describe('the window in a browser', () => {
  let browser: Browser;
  let page: Page;
  let corral: TestCorral | undefined;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: await ensureChromium(), args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await page.close();
    await corral?.stop();
    corral = undefined;
    expect(complaints.splice(0)).toEqual([]);
  });

  async function open(
    hash: (token: string) => string,
    started = startCorral(config, { windowFolder }),
  ): Promise<TestCorral> {
    corral = await started;
    page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // What the policy keeps from happening is a defect of ours.
      if (message.text().includes('Content Security Policy')) complaints.push(message.text());
    });
    await page.goto(`${corral.address}/ui/${hash(corral.engine.instanceToken)}`);
    return corral;
  }
  const row = () => page.locator('[data-model=one]');

  it('opens by the printed address, keeps its token over a reload, and out of the address bar', async () => {
    await open((token) => `#token=${token}`);
    await row().waitFor();
    expect(page.url()).not.toContain('token');
    await page.reload();
    await row().waitFor();
  });

  it('loads, chats and ejects, and every page can be opened', async () => {
    const { engine } = await open((token) => `#token=${token}`);
    await page.getByRole('button', { name: 'Load one', exact: true }).click();
    await row().getByText('ready', { exact: true }).waitFor();
    await showPage(page, 'playground/one');
    await page.getByLabel('Message').fill('Hello');
    await page.keyboard.press('Enter');
    await page.getByText(/one-token-1/).waitFor();
    for (const name of ['queue', 'activity', 'logs', 'memory', 'catalog', 'connect', 'settings', 'herd']) {
      await showPage(page, name);
    }
    await page.getByRole('button', { name: 'Eject one', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Eject when idle' }).click();
    await row().getByText('off', { exact: true }).waitFor();
    expect(engine.model('one').state).toBe('off');
  });

  it('shows nothing without a token, or with a wrong one, and opens once it is given', async () => {
    const { engine } = await open(() => '#token=wrong');
    await page.getByRole('heading', { name: 'Corral was started anew' }).waitFor();
    expect(await row().count()).toBe(0);
    await page.evaluate('sessionStorage.clear()');
    await page.reload();
    await page.getByRole('heading', { name: 'This window needs its token' }).waitFor();
    await page.getByLabel('Token').fill(engine.instanceToken);
    await page.getByRole('button', { name: 'Open' }).click();
    await row().waitFor();
  });

  it('says that Corral is gone and how old its numbers are, and asks for the token of the next start', async () => {
    const folder = await createTestFolder();
    const first = await open((token) => `#token=${token}`, startCorral(config, { folder, windowFolder }));
    await row().waitFor();
    const { port } = new URL(first.address);
    await first.engine.stop();
    await page.getByText(/Not connected to Corral/).waitFor();
    await row().waitFor();
    corral = await startCorral({ ...config, server: { port: Number(port) } }, { folder, windowFolder });
    await page.getByRole('heading', { name: 'Corral was started anew' }).waitFor();
  });
});
