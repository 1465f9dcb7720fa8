import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ICNS_TYPES, ICO_SIZES } from '../../../build/icon-files.ts';
import { decodePng } from '../../../build/png.ts';
import { TRAY_PICTURES } from '../../../build/tray-icon.ts';

/** What `npm run icons` wrote and somebody committed. */
const folder = fileURLToPath(new URL('../../../build/', import.meta.url));
const read = (file: string): Promise<Buffer> => readFile(path.join(folder, file));

const scaled = (name: string, sizePx: number, scales: readonly number[]): [file: string, sizePx: number][] =>
  scales.map((scale) => [`tray/${name}${scale === 1 ? '' : `@${scale}x`}.png`, sizePx * scale]);

const names = TRAY_PICTURES.map(({ name }) => name);
const templates = names.flatMap((name) => scaled(`${name}Template`, 16, [1, 2]));
const ofTheme = (bar: string): [file: string, sizePx: number][] =>
  names.flatMap((name) => [
    ...scaled(`${name}-${bar}`, 16, [1, 1.25, 1.5, 2]),
    ...scaled(`linux/${name}-${bar}`, 22, [1, 2]),
  ]);

/** Red, green, blue and alpha of the pixels that can be seen. */
async function inkOf(file: string): Promise<number[][]> {
  const { rgba } = decodePng(await read(file));
  const pixels: number[][] = [];
  for (let at = 0; at < rgba.length; at += 4) {
    if (rgba[at + 3] !== 0) pixels.push([...rgba.subarray(at, at + 4)]);
  }
  return pixels;
}

describe('the PNGs', () => {
  test.each([
    ['icon.png', 1024],
    ...[16, 24, 32, 48, 64, 128, 256, 512].map((size) => [`icons/${size}x${size}.png`, size] as const),
    ...templates,
    ...ofTheme('light'),
    ...ofTheme('dark'),
  ] as const)('%s is %i pixels wide and high', async (file, sizePx) => {
    expect(decodePng(await read(file))).toMatchObject({ width: sizePx, height: sizePx });
  });

  test.each(templates)('%s is black and transparent only, as macOS wants it', async (file) => {
    const ink = await inkOf(file);
    expect(ink.length).toBeGreaterThan(0);
    expect(ink.filter(([red, green, blue]) => red !== 0 || green !== 0 || blue !== 0)).toEqual([]);
  });

  test.each([
    ...ofTheme('light').map(([file]) => [file, false] as const),
    ...ofTheme('dark').map(([file]) => [file, true] as const),
  ])('%s can be seen on its bar', async (file, isLightInk) => {
    const opaque = (await inkOf(file)).filter(([, , , alpha]) => alpha === 255);
    expect(opaque.length).toBeGreaterThan(20);
    for (const [red = 0] of opaque) expect(isLightInk ? red > 200 : red < 60).toBe(true);
  });

  test('no two pictures look the same, at any size', async () => {
    const [first = ''] = names;
    for (const [file] of [...templates, ...ofTheme('dark')].filter(([path]) => path.includes(first))) {
      const pictures = await Promise.all(
        names.map(async (name) => decodePng(await read(file.replace(first, name))).rgba.join()),
      );
      expect(new Set(pictures).size, file).toBe(names.length);
    }
  });
});

describe('icon.ico', () => {
  test('has a bitmap of every size where its directory says', async () => {
    const ico = await read('icon.ico');
    expect([ico.readUInt16LE(0), ico.readUInt16LE(2), ico.readUInt16LE(4)]).toEqual([0, 1, ICO_SIZES.length]);
    let end = 6 + 16 * ICO_SIZES.length;
    for (const [index, size] of ICO_SIZES.entries()) {
      const at = 6 + 16 * index;
      expect([ico[at], ico[at + 1]]).toEqual([size % 256, size % 256]);
      expect(ico.readUInt16LE(at + 6)).toBe(32);
      const length = ico.readUInt32LE(at + 8);
      expect(ico.readUInt32LE(at + 12)).toBe(end);
      const image = ico.subarray(end, end + length);
      if (size === 256) {
        expect(decodePng(image)).toMatchObject({ width: 256, height: 256 });
      } else {
        // The header counts the mask's rows too.
        expect([image.readUInt32LE(0), image.readInt32LE(4), image.readInt32LE(8)]).toEqual([40, size, size * 2]);
        expect(length).toBe(40 + size * size * 4 + Math.ceil(size / 32) * 4 * size);
      }
      end += length;
    }
    expect(end).toBe(ico.length);
  });

  test('is the right way up: bitmaps begin with the bottom row', async () => {
    const ico = await read('icon.ico');
    const at = 6 + 16 * ICO_SIZES.indexOf(32);
    const bitmap = ico.subarray(ico.readUInt32LE(at + 12) + 40);
    const picture = decodePng(await read('icons/32x32.png'));
    const row = 8;
    const expected = [...picture.rgba.subarray((row * 32 + 16) * 4, (row * 32 + 16) * 4 + 4)];
    const [blue, green, red, alpha] = bitmap.subarray(((31 - row) * 32 + 16) * 4);
    expect([red, green, blue, alpha]).toEqual(expected);
  });
});

test('icon.icns holds a PNG of the right size for each resource', async () => {
  const icns = await read('icon.icns');
  expect(icns.toString('latin1', 0, 4)).toBe('icns');
  expect(icns.readUInt32BE(4)).toBe(icns.length);
  const found: [string, number][] = [];
  for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) {
    const { width, height } = decodePng(icns.subarray(at + 8, at + icns.readUInt32BE(at + 4)));
    expect(width).toBe(height);
    found.push([icns.toString('latin1', at, at + 4), width]);
  }
  expect(found).toEqual([...ICNS_TYPES]);
});
