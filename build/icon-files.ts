import { decodePng } from './png.ts';

/** Which resource of an .icns holds a PNG of how many pixels; without those for 16 and 32 on old screens, which no PNG may fill. */
export const ICNS_TYPES: ReadonlyMap<string, number> = new Map([
  ['ic11', 32],
  ['ic12', 64],
  ['ic07', 128],
  ['ic13', 256],
  ['ic08', 256],
  ['ic14', 512],
  ['ic09', 512],
  ['ic10', 1024],
]);

/** 16 to 64 at the scalings that Windows offers, and the large ones of its file manager. */
export const ICO_SIZES: readonly number[] = [16, 20, 24, 32, 40, 48, 64, 128, 256];

/**
 * An Apple icon: `icns`, the length, then resources of type, length and PNG, all big-endian.
 */
export function composeIcns(pngBySize: ReadonlyMap<number, Uint8Array>): Buffer {
  const parts = [...ICNS_TYPES].map(([type, size]) => {
    const png = pngOf(pngBySize, size);
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32BE(png.length + 8, 4);
    return Buffer.concat([head, png]);
  });
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write('icns', 'latin1');
  head.writeUInt32BE(body.length + 8, 4);
  return Buffer.concat([head, body]);
}

/**
 * A Windows icon: a directory, then bitmaps; 256 pixels are a PNG, the smaller ones bitmaps, which every tool reads.
 */
export function composeIco(pngBySize: ReadonlyMap<number, Uint8Array>): Buffer {
  const images = ICO_SIZES.map((size) => ({
    size,
    data: size < 256 ? toBitmap(pngOf(pngBySize, size)) : Buffer.from(pngOf(pngBySize, size)),
  }));
  const directory = Buffer.alloc(6 + 16 * images.length);
  directory.writeUInt16LE(1, 2);
  directory.writeUInt16LE(images.length, 4);
  let offset = directory.length;
  images.forEach(({ size, data }, index) => {
    const at = 6 + 16 * index;
    directory.writeUInt8(size % 256, at);
    directory.writeUInt8(size % 256, at + 1);
    directory.writeUInt16LE(1, at + 4);
    directory.writeUInt16LE(32, at + 6);
    directory.writeUInt32LE(data.length, at + 8);
    directory.writeUInt32LE(offset, at + 12);
    offset += data.length;
  });
  return Buffer.concat([directory, ...images.map(({ data }) => data)]);
}

/** A BITMAPINFOHEADER of double height, the pixels bottom row first as BGRA, and an empty mask: the alpha says it all. */
function toBitmap(png: Uint8Array): Buffer {
  const { width, height, rgba } = decodePng(png);
  const head = Buffer.alloc(40);
  head.writeUInt32LE(40, 0);
  head.writeInt32LE(width, 4);
  head.writeInt32LE(height * 2, 8);
  head.writeUInt16LE(1, 12);
  head.writeUInt16LE(32, 14);
  const maskStride = Math.ceil(width / 32) * 4;
  head.writeUInt32LE(width * height * 4 + maskStride * height, 20);
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      const to = ((height - 1 - y) * width + x) * 4;
      const [red = 0, green = 0, blue = 0, alpha = 0] = rgba.subarray(from, from + 4);
      pixels.set([blue, green, red, alpha], to);
    }
  }
  return Buffer.concat([head, pixels, Buffer.alloc(maskStride * height)]);
}

function pngOf(pngBySize: ReadonlyMap<number, Uint8Array>, size: number): Uint8Array {
  const png = pngBySize.get(size);
  if (png === undefined) throw new Error(`The icon was not drawn at ${size} pixels.`);
  return png;
}
