import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { composeIcns, composeIco, ICNS_TYPES, ICO_SIZES } from './icon-files.js';
import { TRAY_STATES, trayIconSvg } from './tray-icon.js';

/**
 * `npm run icons`: draws every icon from build/icon.svg and build/tray-icon.js with Chromium. Run by hand after a change to
 * them; what it writes is committed, so that nobody needs a browser to build.
 */
const folder = fileURLToPath(new URL('.', import.meta.url));

/** What Windows asks for at 100, 125, 150 and 200 %, and Linux panels of 22 and 24 pixels. */
const WINDOWS_SCALES = [1, 1.25, 1.5, 2];
const LINUX_SIZES = [16, 24, 32, 48, 64, 128, 256, 512];

const installed = [process.env['CORRAL_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (file) => file !== undefined && existsSync(file),
);
const browser = await chromium.launch({
  ...(installed === undefined ? {} : { executablePath: installed }),
  args: ['--no-sandbox', '--force-color-profile=srgb'],
});
try {
  const page = await browser.newPage();

  /** @param {string} svg @param {number} size */
  const draw = async (svg, size) => {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
    return page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } });
  };

  const appIcon = await readFile(`${folder}icon.svg`, 'utf8');
  // Only macOS wants the margin; elsewhere it would make the icon look small.
  const cropped = appIcon.replace('viewBox="0 0 1024 1024"', 'viewBox="84 84 856 856"');

  const forMac = new Map();
  for (const size of new Set(ICNS_TYPES.values())) forMac.set(size, await draw(appIcon, size));
  await writeFile(`${folder}icon.icns`, composeIcns(forMac));

  const forWindows = new Map();
  for (const size of ICO_SIZES) forWindows.set(size, await draw(cropped, size));
  await writeFile(`${folder}icon.ico`, composeIco(forWindows));

  await writeFile(`${folder}icon.png`, await draw(cropped, 1024));
  await rm(`${folder}icons`, { recursive: true, force: true });
  await mkdir(`${folder}icons`);
  for (const size of LINUX_SIZES) await writeFile(`${folder}icons/${size}x${size}.png`, await draw(cropped, size));

  await rm(`${folder}tray`, { recursive: true, force: true });
  await mkdir(`${folder}tray/linux`, { recursive: true });
  for (const state of TRAY_STATES) {
    for (const scale of [1, 2]) {
      const at = scale === 1 ? '' : `@${scale}x`;
      await writeFile(`${folder}tray/${state}Template${at}.png`, await draw(trayIconSvg(state, 16 * scale, '#000'), 16 * scale));
    }
    // Named for the bar they are seen on: light ink on a dark one.
    for (const [bar, ink] of [['light', '#1b1b1b'], ['dark', '#fff']]) {
      for (const scale of WINDOWS_SCALES) {
        const at = scale === 1 ? '' : `@${scale}x`;
        await writeFile(`${folder}tray/${state}-${bar}${at}.png`, await draw(trayIconSvg(state, 16 * scale, ink), 16 * scale));
      }
      for (const scale of [1, 2]) {
        const at = scale === 1 ? '' : `@${scale}x`;
        await writeFile(`${folder}tray/linux/${state}-${bar}${at}.png`, await draw(trayIconSvg(state, 22 * scale, ink), 22 * scale));
      }
    }
  }
} finally {
  await browser.close();
}
