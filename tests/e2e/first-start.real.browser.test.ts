import path from 'node:path';
import { afterEach, describe, it } from 'vitest';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';
import { startDesktopWithWindow, type Desktop } from './support/desktop.ts';
import { showPage } from './support/page-checks.ts';

/** Somebody who has just installed Corral. */
describe('the first start', () => {
  let desktop: Desktop | undefined;
  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
  });

  it('shows the steps to take, and the demo answers through a real llama-server', async () => {
    const executable = await ensureRealLlamaServer();
    const started = await startDesktopWithWindow({
      config: { server: { port: 0 }, engine: { path: executable } },
    });
    ({ desktop } = started);
    const { page } = started;
    await page.getByRole('heading', { name: 'From here to your own models' }).waitFor();
    await page.getByText('corral-demo', { exact: true }).first().waitFor();
    await showPage(page, 'playground/corral-demo');
    await page.getByLabel('Message').fill('Are you there?');
    await page.keyboard.press('Enter');
    await page
      .getByText(/Corral is up and running/)
      .first()
      .waitFor();
  });

  it('says what to do where there is no llama-server, on the page and in the way of a load', async () => {
    const started = await startDesktopWithWindow({
      config: {
        server: { port: 0 },
        engine: { autoInstall: false },
        models: { mine: { file: path.join('models', 'mine.gguf') } },
      },
      env: { PATH: '' },
    });
    ({ desktop } = started);
    const { page } = started;
    await page
      .getByText(/No llama-server was found/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Copy what to do' }).first().waitFor();
  });
});
