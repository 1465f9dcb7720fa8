import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright';

const run = promisify(execFile);
const installMs = 10 * 60_000;

/** Where a Chromium is installed, by platform: names on the PATH first, then usual places. */
const installed: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge'],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: [
    String.raw`C:\Program Files\Google\Chrome\Application\chrome.exe`,
    String.raw`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`,
  ],
};

/**
 * The path of a Chromium: `CORRAL_CHROMIUM`, an installed one, Playwright's download, or Debian's package, which is
 * installed if we may. Throws an error with the command to run where there is no way to get one.
 */
export async function ensureChromium(): Promise<string> {
  const configured = process.env['CORRAL_CHROMIUM'];
  if (configured !== undefined && configured !== '') {
    if (await isExecutable(configured)) return path.resolve(configured);
    throw new Error(`CORRAL_CHROMIUM is ${configured}, which is no program. Set it to the path of a Chromium.`);
  }
  const found = (await findInstalled()) ?? (await findDownloaded());
  if (found !== undefined) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && (await isExecutable('/usr/bin/apt-get'))) {
    await installPackage();
    const fresh = await findInstalled();
    if (fresh !== undefined) return fresh;
  }
  throw new Error(
    'These tests need a Chromium. Run `npx playwright install chromium` (or install one with your package manager, as ' +
      'in `apt-get install chromium`) and `npm test` again; or run `CORRAL_CHROMIUM=/path/to/chromium npm test`; or ' +
      'leave them out with `CORRAL_TEST_WITHOUT=chromium npm test`.',
  );
}

async function findInstalled(): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const candidates = (installed[process.platform] ?? []).flatMap((name) =>
    path.isAbsolute(name) ? [name] : folders.map((folder) => path.join(folder, name)),
  );
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  return undefined;
}

async function findDownloaded(): Promise<string | undefined> {
  const downloaded = chromium.executablePath();
  return (await isExecutable(downloaded)) ? downloaded : undefined;
}

async function installPackage(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-qq'], { env, timeout: installMs });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env, timeout: installMs });
  } catch (thrown) {
    throw new Error('Chromium could not be installed. Run `apt-get update && apt-get install chromium`.', {
      cause: thrown,
    });
  }
}

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false; // Not there, or not ours to run: another place may have one.
  }
}
