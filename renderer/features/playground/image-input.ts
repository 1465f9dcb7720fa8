import { formatSize } from '#shared/model/units.ts';
import type { ChatImage } from './conversation.ts';

/** As text an image grows by a third, and Corral takes 64 MiB a request unless it is set otherwise. */
export const MAX_IMAGE_BYTES = 10_000_000;
export const MAX_IMAGES = 4;

export interface FileFacts {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** Why an image cannot be sent; undefined if it can. */
export function imageProblem({ name, type, size }: FileFacts, alreadyThere: number): string | undefined {
  const called = name === '' ? 'This image' : name;
  if (!/^image\/(png|jpeg|webp|gif|bmp)$/.test(type))
    return `${called} is no image that models read (PNG, JPEG, WebP).`;
  if (size > MAX_IMAGE_BYTES) {
    return `${called} has ${formatSize(size)}; images may have ${formatSize(MAX_IMAGE_BYTES)}. Make it smaller first.`;
  }
  return alreadyThere >= MAX_IMAGES ? `A message may have ${MAX_IMAGES} images; ${called} is left out.` : undefined;
}

export async function readImage(file: File): Promise<ChatImage> {
  return await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ url: typeof reader.result === 'string' ? reader.result : '', name: file.name });
    reader.onerror = () => reject(new Error(`${file.name} cannot be read.`, { cause: reader.error }));
    reader.readAsDataURL(file);
  });
}
