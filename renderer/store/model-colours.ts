const COLOURS = 10;

/**
 * A colour number for each model, told from its id alone as far as it goes, so that a model keeps its colour when others come
 * and go; the next free one where two would share it.
 */
export function assignColours(ids: readonly string[]): ReadonlyMap<string, number> {
  const taken = new Set<number>();
  const colours = new Map<string, number>();
  for (const id of [...ids].sort()) {
    let colour = hash(id) % COLOURS;
    for (let step = 0; step < COLOURS && taken.has(colour) && taken.size < COLOURS; step += 1) {
      colour = (colour + 1) % COLOURS;
    }
    taken.add(colour);
    colours.set(id, colour);
  }
  return colours;
}

/** For CSS; what is no model of this machine has none of their colours. */
export function cssColourOf(colours: ReadonlyMap<string, number>, id: string): string {
  const colour = colours.get(id);
  return colour === undefined ? 'var(--others)' : `var(--model-${colour})`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
