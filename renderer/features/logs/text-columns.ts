/** How lines break in a font whose characters are all equally wide; the widths beside the text are log-row.module.css’s. Pure. */

const NUMBER = { characters: 7, px: 20 };
const TIME = { characters: 12, px: 12 };
const PADDING_PX = 12;

export function countColumns(widthPx: number, characterPx: number, hasTime: boolean): number {
  const taken =
    NUMBER.characters * characterPx + NUMBER.px + (hasTime ? TIME.characters * characterPx + TIME.px : 0) + PADDING_PX;
  return Math.max(1, Math.floor((widthPx - taken) / characterPx));
}

/** Rows on screen that a line of this length takes. */
export function countRows(characters: number, columns: number | undefined): number {
  return columns === undefined ? 1 : Math.max(1, Math.ceil(characters / columns));
}
