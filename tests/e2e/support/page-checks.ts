import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Page } from 'playwright';

/** What every page of the window is put through: pictures for people to look at, and axe. */

const resultsFolder = fileURLToPath(new URL('../../../test-results/pages', import.meta.url));

export type Theme = 'light' | 'dark';

export interface Finding {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  readonly elements: readonly string[];
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
  }[];
}

declare const globalThis: { axe?: { run(): Promise<AxeResults> }; location: { hash: string } };

/** Shows a page of the window by its name, as its address has it (`herd`, `logs/qwen3`), and waits for its heading. */
export async function showPage(page: Page, name: string): Promise<void> {
  await page.evaluate((hash) => {
    globalThis.location.hash = hash;
  }, `#/${name}`);
  const [title = ''] = name.split('/');
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
}

export async function setTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
}

/**
 * The serious and critical findings of axe, and nothing lesser. It is evaluated over the DevTools protocol, since the
 * page's policy rightly lets no script tag in.
 */
export async function checkAccessibility(page: Page): Promise<Finding[]> {
  if (!(await page.evaluate(() => globalThis.axe !== undefined))) {
    await page.evaluate(`${axe.source}\n;undefined`);
  }
  const { violations } = await page.evaluate(async () => {
    if (globalThis.axe === undefined) throw new Error('axe was not loaded.');
    return await globalThis.axe.run();
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, help, nodes }) => ({
      rule: id,
      impact: impact ?? '',
      help,
      elements: nodes.map(({ target, failureSummary = '' }) => `${target.join(' ')}: ${failureSummary}`),
    }));
}

/** Writes `test-results/pages/<name>-<theme>.png` of each page in both themes, and gives axe's findings by picture. */
export async function screenshotAll(page: Page, names: readonly string[]): Promise<Record<string, Finding[]>> {
  await mkdir(resultsFolder, { recursive: true });
  const findings: Record<string, Finding[]> = {};
  for (const theme of ['light', 'dark'] as const) {
    await setTheme(page, theme);
    for (const name of names) {
      await showPage(page, name);
      const picture = `${name.replaceAll(/[^a-z0-9-]/gi, '_')}-${theme}`;
      await page.screenshot({ path: path.join(resultsFolder, `${picture}.png`) });
      const found = await checkAccessibility(page);
      if (found.length > 0) findings[picture] = found;
    }
  }
  return findings;
}
