import { z } from 'zod';

/** Where the window is and was. Pure: displays are passed in. All lengths are in device-independent pixels. */

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const coordinate = z.int().min(-1_000_000).max(1_000_000);
const windowStateSchema = z.object({
  x: coordinate,
  y: coordinate,
  width: coordinate.min(1),
  height: coordinate.min(1),
  isMaximised: z.boolean(),
});

/** The bounds are those it has when it is not maximised. */
export type WindowState = z.infer<typeof windowStateSchema>;

export const MIN_WINDOW_SIZE = { width: 960, height: 640 } as const;
const FIRST_WINDOW_SIZE = { width: 1200, height: 800 } as const;

/** Of the window's upper edge, as much as a hand needs to take hold of it. */
const GRIP = { width: 160, height: 32 } as const;

/** What a state file says; undefined if there is none, or it says nothing that could be. */
export function parseWindowState(text: string | undefined): WindowState | undefined {
  if (text === undefined) return undefined;
  try {
    return windowStateSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Not JSON: the window opens as it did the first time.
  }
}

/**
 * Where to put the window on the displays there are now. A place that a hand can reach is kept; any other, such as one on
 * a display that went away, becomes the middle of the primary display. Never larger than the display it is on.
 */
export function placeWindow(
  remembered: WindowState | undefined,
  workAreas: readonly Rectangle[],
  primaryArea: Rectangle,
): WindowState {
  const wanted = remembered ?? { ...FIRST_WINDOW_SIZE, x: 0, y: 0, isMaximised: false };
  const home = remembered === undefined ? undefined : findReachableArea(remembered, workAreas);
  if (home !== undefined) {
    // A hand may have had hold of just what is cut off.
    const kept = { ...wanted, ...fitSize(wanted, home) };
    if (isReachable(kept, workAreas)) return kept;
  }
  const { width, height } = fitSize(wanted, primaryArea);
  return {
    x: primaryArea.x + Math.round((primaryArea.width - width) / 2),
    y: primaryArea.y + Math.round((primaryArea.height - height) / 2),
    width,
    height,
    isMaximised: wanted.isMaximised,
  };
}

function fitSize(wanted: { width: number; height: number }, area: Rectangle): { width: number; height: number } {
  return {
    width: Math.min(Math.max(wanted.width, MIN_WINDOW_SIZE.width), area.width),
    height: Math.min(Math.max(wanted.height, MIN_WINDOW_SIZE.height), area.height),
  };
}

/** Whether enough of a window's upper edge is on some display. */
export function isReachable(bounds: Rectangle, workAreas: readonly Rectangle[]): boolean {
  return findReachableArea(bounds, workAreas) !== undefined;
}

/** The display that has most of the window's upper edge; undefined if none has enough of it. */
function findReachableArea(bounds: Rectangle, workAreas: readonly Rectangle[]): Rectangle | undefined {
  const grip = { ...bounds, height: GRIP.height };
  let best: { area: Rectangle; width: number } | undefined;
  for (const area of workAreas) {
    const shared = overlap(grip, area);
    if (shared.width < Math.min(GRIP.width, bounds.width) || shared.height < GRIP.height / 2) continue;
    if (best === undefined || shared.width > best.width) best = { area, width: shared.width };
  }
  return best?.area;
}

function overlap(one: Rectangle, other: Rectangle): { width: number; height: number } {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return { width: Math.max(0, width), height: Math.max(0, height) };
}
