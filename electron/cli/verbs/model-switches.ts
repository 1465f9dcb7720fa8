import type { Bridge } from '#shared/contract/bridge.ts';
import { printable } from '../printable.ts';
import { writeJson, type VerbContext } from '../terminal.ts';

const said = {
  'pin-model': 'is pinned: it is not ejected to make room or for being idle, until unpinned',
  'unpin-model': 'is not pinned any more',
  'reset-model': 'is reset: the next request starts it again',
} as const;

/** `corral pin M`, `corral unpin M`, `corral reset M`. As JSON: `{ model }`. */
export async function switchModel(
  bridge: Bridge,
  { terminal, isJson, signal }: VerbContext,
  { command, name }: { readonly command: keyof typeof said; readonly name: string },
): Promise<void> {
  const { model } = await bridge.call(command, { model: name }, signal);
  if (isJson) writeJson(terminal, { model });
  else terminal.write(`${printable(model.id)} ${said[command]}\n`);
}
