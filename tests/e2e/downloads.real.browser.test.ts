import { readdir } from 'node:fs/promises';
import type { Page } from 'playwright';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildSentenceModel } from '../../electron/engine/catalog/sentence-model.ts';
import { startHuggingFaceOrigin, type HuggingFaceOrigin } from '../fakes/hugging-face-origin.ts';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';
import { startDesktopWithWindow, type Desktop } from './support/desktop.ts';
import { checkAccessibility, screenshotAll, showPage } from './support/page-checks.ts';
import { waitUntil } from './support/wait-until.ts';

/** Fetching a model in the window, from a name that somebody types to an answer of the model. */

const sentence = 'Straight from the hub.';
const weights = buildSentenceModel({ name: 'tiny', sentence });
const half = Math.floor(weights.length / 2);

describe('a download in the window', () => {
  let hub: HuggingFaceOrigin;
  let desktop: Desktop | undefined;
  const pageErrors: string[] = [];

  beforeEach(async () => {
    hub = await startHuggingFaceOrigin({ 'user/repo': { files: { 'Tiny-Q4_K_M.gguf': weights } } });
  });

  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
    await hub.close();
    expect(pageErrors.splice(0)).toEqual([]);
  });

  async function openCatalog(): Promise<{ desktop: Desktop; page: Page }> {
    const started = await startDesktopWithWindow({
      config: {
        server: { port: 0 },
        engine: { path: await ensureRealLlamaServer() },
        catalog: { huggingFace: { origin: hub.url } },
      },
    });
    ({ desktop } = started);
    started.page.setDefaultTimeout(15_000);
    started.page.on('pageerror', (error) => pageErrors.push(error.message));
    await started.page.getByRole('list', { name: 'Models' }).waitFor();
    await showPage(started.page, 'catalog');
    return started;
  }

  const field = (page: Page) => page.getByLabel('Model at Hugging Face');
  const row = (page: Page, source: string) => page.locator(`[data-download="${source}"]`);

  it('shows how far it is, is paused and goes on from there, and then the model can be loaded', async () => {
    // The first answer stops half-way, and the connection stays.
    const answers: (string | undefined)[] = [];
    hub.faults = ({ host, range }) => {
      if (host !== 'files') return {};
      answers.push(range);
      return answers.length === 1 ? { stallAfterBytes: half } : {};
    };
    const { page, desktop: running } = await openCatalog();
    await field(page).fill('user/repo');
    await page.keyboard.press('Enter');
    const download = row(page, 'user/repo');
    const bar = download.getByRole('progressbar', { name: 'Progress of user/repo' });
    await download.getByText('Q4_K_M', { exact: true }).waitFor();
    await waitUntil('half of it is shown', async () =>
      ['49', '50'].includes((await bar.getAttribute('aria-valuenow')) ?? ''),
    );
    expect(await field(page).inputValue()).toBe('');
    expect(await checkAccessibility(page)).toEqual([]);

    await download.getByRole('button', { name: 'Pause user/repo' }).click();
    await download.getByText(/^paused at .* of /).waitFor();
    expect(await screenshotAll(page, ['catalog/paused'])).toEqual({});
    expect((await running.snapshot()).downloads).toMatchObject([{ state: 'paused', receivedBytes: half }]);
    expect(answers).toEqual([undefined]);

    await download.getByRole('button', { name: 'Resume user/repo' }).click();
    await download.getByRole('button', { name: 'Dismiss user/repo' }).waitFor();
    // What had arrived was not asked for again.
    expect(answers).toEqual([undefined, `bytes=${half}-`]);
    expect(await bar.count()).toBe(0);

    const listed = page.locator('[data-model="tiny-q4_k_m"]');
    await listed.getByText('Hugging Face', { exact: true }).waitFor();
    const notified = async () => (await running.app.ask('notifications')).map(({ title }) => title);
    await waitUntil('a notification says so', async () => (await notified()).includes('user/repo was downloaded'));

    // Where it came and at home; once it is loaded nobody is asked to load it.
    const load = page.getByRole('button', { name: 'Load tiny-q4_k_m' });
    await showPage(page, 'herd');
    await page.locator('[data-model="corral-demo"]').waitFor({ state: 'detached' });
    await load.waitFor();
    await showPage(page, 'catalog');
    await download.getByRole('button', { name: 'Load tiny-q4_k_m' }).click();
    await load.waitFor({ state: 'detached' });
    await showPage(page, 'herd');
    await listed.getByText('ready', { exact: true }).waitFor();
    expect(await (await running.startChat('tiny-q4_k_m')).text).toContain('Straight');

    await showPage(page, 'catalog');
    await download.getByRole('button', { name: 'Dismiss user/repo' }).click();
    await download.waitFor({ state: 'detached' });
    await listed.waitFor();

    // What was downloaded can be deleted, loaded or not, once that was confirmed.
    await listed.getByRole('button', { name: 'Delete tiny-q4_k_m…' }).click();
    await page.getByText('it must be downloaded again').waitFor();
    expect(await checkAccessibility(page)).toEqual([]);
    expect((await running.snapshot()).models.map(({ id }) => id)).toEqual(['tiny-q4_k_m']);
    await page.getByRole('button', { name: 'Delete the files' }).click();
    await listed.waitFor({ state: 'detached' });
    await page
      .getByText(/^Deleted tiny-q4_k_m\. .* of disk are free again\.$/)
      .first()
      .waitFor();
    await page.locator('[data-model="corral-demo"]').waitFor();
    expect(await page.getByRole('button', { name: /^Delete / }).count()).toBe(0);
    const files = await readdir(running.folder.path, { recursive: true });
    expect(files.filter((file) => file.endsWith('Tiny-Q4_K_M.gguf'))).toEqual([]);
  });

  it('says what is wrong with a name, and what came of one that nobody has', async () => {
    const { page, desktop: running } = await openCatalog();
    await field(page).fill('qwen3');
    await page.getByRole('button', { name: 'Download' }).click();
    const reason = page.getByRole('alert').filter({ hasText: '"qwen3" names no repository. Write it as `user/repo`' });
    await reason.waitFor();
    expect(await field(page).getAttribute('aria-invalid')).toBe('true');
    expect(await field(page).inputValue()).toBe('qwen3');
    expect((await running.snapshot()).downloads).toEqual([]);

    await field(page).fill('user/nobody-has-it');
    await reason.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Download' }).click();
    const download = row(page, 'user/nobody-has-it');
    await download
      .getByRole('alert')
      .getByText(/^There is no public repository user\/nobody-has-it .*Check its name/)
      .waitFor();
    expect(await checkAccessibility(page)).toEqual([]);

    // It was published meanwhile.
    hub.repos.set('user/nobody-has-it', { files: { 'Late-Q4_K_M.gguf': weights } });
    await download.getByRole('button', { name: 'Try again user/nobody-has-it' }).click();
    await page.locator('[data-model="late-q4_k_m"]').waitFor();
    expect(await download.getByRole('alert').count()).toBe(0);
  });

  it('is given up by Cancel, and nothing of it is left', async () => {
    hub.faults = ({ host }) => (host === 'files' ? { stallAfterBytes: half } : {});
    const { page, desktop: running } = await openCatalog();
    await field(page).fill('user/repo:Q4_K_M');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = row(page, 'user/repo:Q4_K_M');
    await download.getByRole('progressbar').waitFor();
    await download.getByRole('button', { name: 'Cancel user/repo:Q4_K_M' }).click();
    await download.waitFor({ state: 'detached' });
    expect((await running.snapshot()).downloads).toEqual([]);
    expect((await running.snapshot()).models.map(({ id }) => id)).toEqual(['corral-demo']);
    const files = await readdir(running.folder.path, { recursive: true });
    expect(files.filter((file) => file.endsWith('.incomplete'))).toEqual([]);
  });
});
