import { readFileSync } from 'node:fs';
import type { NativeImage } from 'electron';

/** An image that is known by where it came from; nothing here draws it. */
export class NativeImageStandIn implements Pick<
  NativeImage,
  'isEmpty' | 'setTemplateImage' | 'isTemplateImage' | 'addRepresentation'
> {
  readonly source: string;
  readonly #isEmpty: boolean;
  #isTemplate: boolean;

  constructor(source: string, isEmpty: boolean) {
    this.source = source;
    this.#isEmpty = isEmpty;
    this.#isTemplate = /Template(@\dx)?\.png$/.test(source);
  }

  isEmpty(): boolean {
    return this.#isEmpty;
  }

  setTemplateImage(isTemplate: boolean): void {
    this.#isTemplate = isTemplate;
  }

  isTemplateImage(): boolean {
    return this.#isTemplate;
  }

  addRepresentation(): void {
    // The first representation tells where the image came from.
  }

  resize(): this {
    return this;
  }
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function isPng(bytes: Buffer): boolean {
  return bytes.subarray(0, pngSignature.length).equals(pngSignature);
}

export const nativeImage = {
  createEmpty: () => new NativeImageStandIn('', true),
  /** As in Electron, a file that is missing or no image gives an empty image and no error. */
  createFromPath(path: string): NativeImageStandIn {
    try {
      return new NativeImageStandIn(path, !isPng(readFileSync(path)));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
      return new NativeImageStandIn(path, true);
    }
  },
  createFromBuffer: (bytes: Buffer) => new NativeImageStandIn('buffer', !isPng(bytes)),
  createFromDataURL: (url: string) =>
    new NativeImageStandIn(url.slice(0, 80), !isPng(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'))),
};
