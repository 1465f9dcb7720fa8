import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, it } from 'vitest';
import { ensureRealLlamaServer } from '../integration/support/real-llama-server.ts';
import { startDesktopWithWindow, type Desktop } from './support/desktop.ts';
import { showPage } from './support/page-checks.ts';

/** Somebody who has just installed Corral. */
describe('the first start', () => {
  let desktop: Desktop | undefined;
  const temporary: string[] = [];
  afterEach(async () => {
    await desktop?.stop();
    desktop = undefined;
    for (const folder of temporary.splice(0)) await rm(folder, { recursive: true });
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

  it('says what to do where there is no llama-server, and finds the one that was installed meanwhile', async () => {
    const executable = await ensureRealLlamaServer();
    const folder = await mkdtemp(path.join(tmpdir(), 'corral-path-'));
    temporary.push(folder);
    const searched = path.join(folder, 'bin');
    const started = await startDesktopWithWindow({
      config: {
        server: { port: 0 },
        engine: { autoInstall: false },
        models: { mine: { file: path.join('models', 'mine.gguf') } },
      },
      env: { PATH: searched },
    });
    ({ desktop } = started);
    const { page } = started;
    const banner = page.getByText(/No llama-server was found/).first();
    await banner.waitFor();
    const button = page.getByRole('button', { name: 'Look again' });
    await button.waitFor();
    await symlink(path.dirname(executable), searched);
    const isGone = banner.waitFor({ state: 'hidden' });
    // Whatever else asks for a plan in this moment finds it, too.
    await Promise.race([button.click(), isGone]);
    await isGone;
  });
});
