import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isReachable, parseWindowState, placeWindow, type Rectangle } from '../../../electron/shell/window-state.ts';

const laptop: Rectangle = { x: 0, y: 25, width: 1440, height: 850 };
const right: Rectangle = { x: 1440, y: 0, width: 2560, height: 1400 };
const above: Rectangle = { x: 0, y: -1080, width: 1920, height: 1080 };

describe('placeWindow', () => {
  it('opens in the middle of the primary display the first time', () => {
    expect(placeWindow(undefined, [right, laptop], laptop)).toEqual({
      x: 120,
      y: 50,
      width: 1200,
      height: 800,
      isMaximised: false,
    });
  });

  it('opens where it was, also on a display left of or above the first one', () => {
    const state = { x: 30, y: -1000, width: 1000, height: 700, isMaximised: true };
    expect(placeWindow(state, [laptop, above], laptop)).toEqual(state);
  });

  it('keeps a place that spans two displays', () => {
    const state = { x: 1000, y: 100, width: 1100, height: 700, isMaximised: false };
    expect(placeWindow(state, [laptop, right], laptop)).toEqual(state);
  });

  it('comes back to the primary display from one that went away, and stays maximised', () => {
    const state = { x: 2000, y: 300, width: 1600, height: 1200, isMaximised: true };
    expect(placeWindow(state, [laptop], laptop)).toEqual({
      x: 0,
      y: 25,
      width: 1440,
      height: 850,
      isMaximised: true,
    });
  });

  it('comes back when only a sliver, or only its lower part, is left on a display', () => {
    expect(placeWindow({ x: 1400, y: 100, width: 1000, height: 700, isMaximised: false }, [laptop], laptop).x).toBe(
      220,
    );
    expect(placeWindow({ x: 0, y: -400, width: 1000, height: 700, isMaximised: false }, [laptop], laptop).y).toBe(100);
  });

  it('is never smaller than its least size, nor larger than its display', () => {
    const tiny = { x: 100, y: 100, width: 10, height: 10, isMaximised: false };
    expect(placeWindow(tiny, [laptop], laptop)).toMatchObject({ width: 960, height: 640 });
    const small = { x: 0, y: 0, width: 800, height: 600 };
    expect(placeWindow(undefined, [small], small)).toEqual({ x: 0, y: 0, width: 800, height: 600, isMaximised: false });
  });

  it('can be reached whatever the file says and whatever displays there are', () => {
    const size = fc.integer({ min: 640, max: 8000 });
    const offset = fc.integer({ min: -9000, max: 9000 });
    const area = fc.record({ x: offset, y: offset, width: size, height: size });
    const state = fc.record({
      x: fc.integer({ min: -1_000_000, max: 1_000_000 }),
      y: fc.integer({ min: -1_000_000, max: 1_000_000 }),
      width: fc.integer({ min: 1, max: 100_000 }),
      height: fc.integer({ min: 1, max: 100_000 }),
      isMaximised: fc.boolean(),
    });
    fc.assert(
      fc.property(state, fc.array(area, { minLength: 1, maxLength: 4 }), (remembered, areas) => {
        const placed = placeWindow(remembered, areas, areas[0]!);
        expect(isReachable(placed, areas)).toBe(true);
        expect(areas.some(({ width, height }) => placed.width <= width && placed.height <= height)).toBe(true);
      }),
    );
  });
});

describe('parseWindowState', () => {
  it('reads what was written', () => {
    const state = { x: -5, y: 3, width: 1000, height: 700, isMaximised: false };
    expect(parseWindowState(JSON.stringify(state))).toEqual(state);
  });

  it.each([undefined, '', '{', 'null', '[]', '{"x":1}', '{"x":"1","y":2,"width":3,"height":4,"isMaximised":false}'])(
    'takes nothing from %s',
    (text) => {
      expect(parseWindowState(text)).toBeUndefined();
    },
  );

  it('takes no numbers that are no place', () => {
    for (const wrong of [{ width: 0 }, { height: -1 }, { x: 1e12 }, { y: 0.5 }, { isMaximised: 1 }]) {
      const state = { x: 0, y: 0, width: 1000, height: 700, isMaximised: false, ...wrong };
      expect(parseWindowState(JSON.stringify(state))).toBeUndefined();
    }
  });
});
