/** Names and paths of model files as people read them. Pure. */

const quantization = /[-._](?:ud-)?(?:i?q\d\w*|[tm]q\d\w*|bf16|f16|f32|fp16|mxfp4(?:_moe)?)$/i;
const part = /-\d{5}-of-\d{5}$/;

/** An id for a model file that no other model has: the file's name without its ending, part number and quantization. */
export function suggestId(path: string, taken: readonly string[]): string {
  const name = splitPath(path)
    .name.replace(/\.gguf$/i, '')
    .replace(part, '');
  const full = plain(name);
  const short = plain(name.replace(quantization, ''));
  for (const candidate of [short, full]) if (candidate !== '' && !taken.includes(candidate)) return candidate;
  if (short === '') return '';
  let number = 2;
  while (taken.includes(`${short}-${number}`)) number += 1;
  return `${short}-${number}`;
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');
}

/** A path in two, so that its end, which tells files apart, is the part that stays visible. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1;
  return { folder: path.slice(0, end), name: path.slice(end) };
}

/** `8B`, `30B-A3B`: the number of parameters where the model's name or the file's tells it. */
export function parametersOf(...names: readonly (string | null)[]): string | undefined {
  for (const name of names) {
    const match = /(?:^|[^\d.a-z])(\d+(?:\.\d+)?[bm](?:-a\d+(?:\.\d+)?b)?)(?![a-z0-9])/i.exec(name ?? '');
    if (match?.[1] !== undefined) return match[1].toUpperCase();
  }
  return undefined;
}
