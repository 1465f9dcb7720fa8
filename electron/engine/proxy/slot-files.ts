import { AppError } from '#shared/contract/errors.ts';

/**
 * Why a request must not reach a model whose KV cache Corral keeps, if it must not: llama-server would write files of the
 * client's naming into the folder of saved conversations, beyond every bound, or restore one that is somebody else's. Pure.
 * `path` is what llama-server is to be asked for, with its query; it decodes both.
 */
export function checkSlotFiles(method: string | undefined, path: string, modelId: string): AppError | undefined {
  if (method !== 'POST') return undefined;
  const [pathname = '', search = ''] = path.split(/\?(.*)/s, 2);
  if (!/(^|\/)slots\/+[^/]+\/*$/.test(decode(pathname))) return undefined;
  const actions = new URLSearchParams(search).getAll('action');
  if (actions.every((action) => action === 'erase')) return undefined;
  return new AppError(
    'forbidden',
    `Corral itself saves and restores the slots of model "${modelId}" (\`keepKvCache\`); they can only be erased.`,
  );
}

function decode(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname; // llama-server leaves what it cannot decode as it is, too.
  }
}
