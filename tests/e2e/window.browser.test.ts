import { readFile, writeFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeModel } from '../integration/support/corral.ts';
import { startDesktopWithWindow, type Desktop, type DesktopOptions } from './support/desktop.ts';
import { pages } from '../../renderer/store/pages.ts';
import { showPage } from './support/page-checks.ts';
import { waitUntil } from './support/wait-until.ts';

/** What people do in the window, and that it shows what the engine does. */

const hostileNames = ['<img src=x onerror=document.title=1>', `long-${'x'.repeat(295)}`];

const models = {
  one: fakeModel({ name: 'one' }),
  slow: { ...fakeModel({ name: 'slow', tokens: 600, tokenDelayMs: 50 }), concurrency: 1 },
  loud: fakeModel({ name: 'loud', floodStdout: 4000, floodBytes: 40_000 }),
  broken: fakeModel({ exitAtStart: 1, exitMessage: 'error while loading shared libraries: libfoo.so.1' }),
};

describe('the window', () => {
  let desktop: Desktop | undefined;
  const pageErrors: string[] = [];

  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
    expect(pageErrors.splice(0)).toEqual([]);
  });

  async function open(options: Partial<DesktopOptions> = {}): Promise<{ desktop: Desktop; page: Page }> {
    const started = await startDesktopWithWindow({ config: { server: { port: 0 }, models }, ...options });
    ({ desktop } = started);
    started.page.setDefaultTimeout(15_000);
    started.page.on('pageerror', (error) => pageErrors.push(error.message));
    await started.page.getByRole('list', { name: 'Models' }).waitFor();
    return started;
  }
  const row = (page: Page, model: string) => page.locator(`[data-model=${JSON.stringify(model)}]`);

  it('loads a model with one click, shows what it holds, and ejects it with proof', async () => {
    const { page, desktop: running } = await open();
    await page.getByRole('button', { name: 'Load one', exact: true }).click();
    await row(page, 'one').getByText('ready', { exact: true }).waitFor();
    const { pid } = await running.model('one');
    expect((await running.liveProcesses()).map((each) => each.pid)).toContain(pid);
    await page
      .getByRole('img', { name: /one \d/ })
      .first()
      .waitFor();

    await page.getByRole('button', { name: 'Eject one', exact: true }).click();
    await page.getByRole('menuitem', { name: /Eject now/ }).click();
    await page.getByText(/^Ejected one;.* came back\.$/).waitFor();
    await row(page, 'one').getByText('off', { exact: true }).waitFor();
    expect((await running.liveProcesses()).map((each) => each.pid)).not.toContain(pid);

    await page.getByRole('button', { name: 'Load again' }).click();
    await row(page, 'one').getByText('ready', { exact: true }).waitFor();
  });

  it('shows a chat through the public address, and who waits behind it, who can be cancelled there', async () => {
    const { page, desktop: running } = await open();
    const chat = await running.startChat('slow');
    await row(page, 'slow').getByText('busy', { exact: true }).waitFor();
    await row(page, 'slow')
      .getByText(/1\/1 slots/)
      .waitFor();
    const waiting = running.startChat('slow').then(
      () => 'served',
      (thrown: unknown) => String(thrown),
    );
    await page.getByRole('link', { name: /Queue/ }).getByLabel('1 waiting').waitFor();
    await showPage(page, 'queue');
    await page.getByText(/slot of slow: 1 of 1 busy/i).waitFor();
    await page.getByRole('button', { name: /^Cancel.*slow/ }).click();
    // What stood under the pointer stays there until it has left.
    await page.getByText('no longer waits').waitFor();
    await page.mouse.move(5, 5);
    await page.getByText('Nobody waits').waitFor();
    expect(await waiting).toMatch(/503.*cancelled/s);
    expect(chat.count()).toBeGreaterThan(0);

    await showPage(page, 'herd');
    await page.getByRole('button', { name: 'Eject slow', exact: true }).click();
    await page.getByRole('menuitem', { name: /Eject now/ }).click();
    await row(page, 'slow').getByText('off', { exact: true }).waitFor();
    await showPage(page, 'activity');
    await page
      .getByText(/cancelled/)
      .first()
      .waitFor();
  });

  it('follows a log', async () => {
    const { page, desktop: running } = await open();
    await showPage(page, 'logs/loud');
    const chat = await running.startChat('loud');
    await chat.text;
    const log = page.getByText(/flood/).filter({ visible: true });
    await log.first().waitFor();
    await waitUntil('the end of the flood is in sight', async () => await page.getByText('flood over').isVisible());
  });

  it('shows why a model does not start and why one has died, and what to do', async () => {
    const { page, desktop: running } = await open();
    await page.getByRole('button', { name: 'Load broken', exact: true }).click();
    await row(page, 'broken')
      .getByRole('alert')
      .getByText(/libfoo\.so\.1/)
      .waitFor();
    await page.getByRole('button', { name: 'Load one', exact: true }).click();
    await row(page, 'one').getByText('ready', { exact: true }).waitFor();
    const { pid } = await running.model('one');
    process.kill(pid ?? 0, 'SIGKILL');
    await row(page, 'one').getByRole('alert').waitFor();
    const titles = async () => (await running.app.ask('notifications')).map(({ title, body }) => `${title} ${body}`);
    await waitUntil('a notification names it', async () => (await titles()).some((text) => text.includes('one')));
  });

  it('changes a setting, which applies at once and survives a restart', async () => {
    const { page, desktop: running } = await open();
    await showPage(page, 'settings');
    await page.getByPlaceholder('Find a setting').fill('defaults.ttl');
    await page.keyboard.press('Enter');
    await page.locator('[role=tabpanel] input:focus').fill('45m');
    await page.getByRole('button', { name: 'Apply' }).click();
    await waitUntil('the file has it', async () => (await readFile(running.configFile, 'utf8')).includes('ttl: 45m'));
    expect(await running.quit()).toBe(0);

    const again = await open({ after: running });
    await showPage(again.page, 'settings');
    await again.page.getByPlaceholder('Find a setting').fill('defaults.ttl');
    await again.page.keyboard.press('Enter');
    expect(await again.page.locator('[role=tabpanel] input:focus').inputValue()).toBe('45m');
  });

  it('says at once that the file was broken, which one stays active, and when it is mended', async () => {
    const { page, desktop: running } = await open();
    const good = await readFile(running.configFile, 'utf8');
    await writeFile(running.configFile, `${good}\nmodles: {}\n`);
    await page.getByText(/the last good one stays active/).waitFor();
    await page.getByText('modles').first().waitFor();
    await page.getByRole('button', { name: 'Open the file' }).click();
    await waitUntil('the file is opened', async () => (await running.app.ask('openedOutside')).length > 0);
    await writeFile(running.configFile, good);
    await page.getByText(/the last good one stays active/).waitFor({ state: 'detached' });
  });

  it('answers in the playground, over the app’s own scheme', async () => {
    const { page } = await open();
    await showPage(page, 'playground/one');
    await page.getByLabel('Message').fill('Hello');
    await page.keyboard.press('Enter');
    await page.getByText(/one-token-1/).waitFor();
    await page
      .getByText(/tok\/s/)
      .first()
      .waitFor();
  });

  it('does everything by keyboard: the palette loads, backspace ejects', async () => {
    const { page } = await open();
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('A command or a model').fill('load one');
    await page.locator('[role=option][data-highlighted]', { hasText: 'Load one' }).waitFor();
    await page.keyboard.press('Enter');
    await row(page, 'one').getByText('ready', { exact: true }).waitFor();
    await row(page, 'one').locator('[data-row-head]').focus();
    await page.keyboard.press('Backspace');
    await row(page, 'one').getByText('off', { exact: true }).waitFor();
  });

  it('shows names that are HTML or 300 characters long as text, and none of them acts', async () => {
    const hostile = Object.fromEntries(hostileNames.map((name) => [name, fakeModel()]));
    const { page, desktop: running } = await open({
      config: { server: { port: 0 }, models: { ...models, ...hostile } },
    });
    const ids = (await running.snapshot()).models.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(hostileNames));
    for (const { name } of pages) {
      await showPage(page, name);
      expect(await page.locator('img[src="x"]').count()).toBe(0);
      expect(await page.title()).toBe('Corral');
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    }
  });
});
