import { EventEmitter } from 'node:events';
import type { Display, Rectangle, Screen } from 'electron';

export interface DisplayDescription {
  readonly id: number;
  readonly bounds: Rectangle;
  readonly workArea: Rectangle;
  readonly scaleFactor: number;
}

const standard: DisplayDescription = {
  id: 1,
  bounds: { x: 0, y: 0, width: 1920, height: 1080 },
  workArea: { x: 0, y: 0, width: 1920, height: 1040 },
  scaleFactor: 1,
};

let displays: readonly DisplayDescription[] = [standard];

function toDisplay({ id, bounds, workArea, scaleFactor }: DisplayDescription): Display {
  const { width, height } = bounds;
  // What nobody asks a display for is left out.
  return { id, bounds, workArea, scaleFactor, size: { width, height }, rotation: 0, internal: false } as Display;
}

export function primaryWorkArea(): Rectangle {
  return (displays[0] ?? standard).workArea;
}

class ScreenStandIn
  extends EventEmitter
  implements Pick<Screen, 'getAllDisplays' | 'getPrimaryDisplay' | 'getDisplayMatching' | 'getCursorScreenPoint'>
{
  getAllDisplays(): Display[] {
    return displays.map(toDisplay);
  }

  getPrimaryDisplay(): Display {
    return toDisplay(displays[0] ?? standard);
  }

  /** The display with the most of the rectangle on it. */
  getDisplayMatching(rectangle: Rectangle): Display {
    const shared = ({ bounds }: DisplayDescription): number => {
      const width = Math.min(bounds.x + bounds.width, rectangle.x + rectangle.width) - Math.max(bounds.x, rectangle.x);
      const height =
        Math.min(bounds.y + bounds.height, rectangle.y + rectangle.height) - Math.max(bounds.y, rectangle.y);
      return Math.max(0, width) * Math.max(0, height);
    };
    return toDisplay([...displays].sort((one, other) => shared(other) - shared(one))[0] ?? standard);
  }

  getCursorScreenPoint(): { x: number; y: number } {
    return { x: 0, y: 0 };
  }
}

export const screen = new ScreenStandIn();

/** Plugs displays in and out. */
export function setDisplays(next: readonly DisplayDescription[]): void {
  const before = displays;
  displays = next;
  for (const display of before) {
    const same = next.find(({ id }) => id === display.id);
    if (same === undefined) screen.emit('display-removed', {}, toDisplay(display));
    else if (JSON.stringify(same) !== JSON.stringify(display)) {
      screen.emit('display-metrics-changed', {}, toDisplay(same), ['bounds', 'workArea', 'scaleFactor']);
    }
  }
  for (const display of next) {
    if (!before.some(({ id }) => id === display.id)) screen.emit('display-added', {}, toDisplay(display));
  }
}
