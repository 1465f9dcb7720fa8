import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { composeIcns, composeIco, ICNS_TYPES, ICO_SIZES } from './icon-files.ts';
import { TRAY_PICTURES, trayIconSvg, type TrayPicture } from './tray-icon.ts';

/**
 * `npm run icons`: draws every icon from build/icon.svg and build/tray-icon.ts with Chromium. Run by hand after a change to
 * them; what it writes is committed, so that nobody needs a browser to build.
 */
const folder = fileURLToPath(new URL('.', import.meta.url));

/** What Windows asks for: 16 pixels at 100, 125, 150 and 200 %. Panels of Linux have 22, and macOS 16. */
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

  const draw = async (svg: string, size: number): Promise<Uint8Array> => {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
    return page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } });
  };

  const appIcon = await readFile(`${folder}icon.svg`, 'utf8');
  // Only macOS wants the margin; elsewhere it would make the icon look small.
  const cropped = appIcon.replace('viewBox="0 0 1024 1024"', 'viewBox="84 84 856 856"');

  const forMac = new Map<number, Uint8Array>();
  for (const size of new Set(ICNS_TYPES.values())) forMac.set(size, await draw(appIcon, size));
  await writeFile(`${folder}icon.icns`, composeIcns(forMac));

  const forWindows = new Map<number, Uint8Array>();
  for (const size of ICO_SIZES) forWindows.set(size, await draw(cropped, size));
  await writeFile(`${folder}icon.ico`, composeIco(forWindows));

  await writeFile(`${folder}icon.png`, await draw(cropped, 1024));
  await rm(`${folder}icons`, { recursive: true, force: true });
  await mkdir(`${folder}icons`);
  for (const size of LINUX_SIZES) await writeFile(`${folder}icons/${size}x${size}.png`, await draw(cropped, size));

  await rm(`${folder}tray`, { recursive: true, force: true });
  await mkdir(`${folder}tray/linux`, { recursive: true });
  const drawTray = async (name: string, picture: TrayPicture, size: number, ink: string, scales: readonly number[]) => {
    for (const scale of scales) {
      const at = scale === 1 ? '' : `@${scale}x`;
      await writeFile(
        `${folder}tray/${name}${at}.png`,
        await draw(trayIconSvg(picture, size * scale, ink), size * scale),
      );
    }
  };
  for (const picture of TRAY_PICTURES) {
    const { name } = picture;
    await drawTray(`${name}Template`, picture, 16, '#000', [1, 2]);
    // Named for the bar they are seen on: light ink on a dark one.
    for (const [bar, ink] of [
      ['light', '#1b1b1b'],
      ['dark', '#fff'],
    ] as const) {
      await drawTray(`${name}-${bar}`, picture, 16, ink, WINDOWS_SCALES);
      await drawTray(`linux/${name}-${bar}`, picture, 22, ink, [1, 2]);
    }
  }
} finally {
  await browser.close();
}
