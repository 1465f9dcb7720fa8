/**
 * The tray's icon: a corral rail with a dot between its posts. Hollow when nothing is loaded, a quarter while loading,
 * filled when ready, ringed when at work, an exclamation mark when there is trouble. Drawn for each size on its own, so
 * that every straight edge lies on a pixel.
 */
const TRAY_STATES = ['idle', 'loading', 'ready', 'busy', 'trouble'] as const;

type TrayState = (typeof TRAY_STATES)[number];

/** Where the quarter is, clockwise, for an icon that turns while something loads. */
const QUARTERS = [1, 2, 3, 4] as const;

/** A picture of the tray's: of a state, and for `loading` of a quarter. `name` is what its file begins with. */
export interface TrayPicture {
  readonly name: string;
  readonly state: TrayState;
  readonly quarter: number;
}

export const TRAY_PICTURES: readonly TrayPicture[] = TRAY_STATES.flatMap<TrayPicture>((state) =>
  state === 'loading'
    ? QUARTERS.map((quarter) => ({ name: `loading-${quarter}`, state, quarter }))
    : [{ name: state, state, quarter: 1 }],
);

/** An SVG document of `size` pixels, square; `ink` is a CSS colour. */
export function trayIconSvg({ state, quarter }: TrayPicture, size: number, ink: string): string {
  const unit = size / 16;
  const px = (units: number): number => Math.max(1, Math.round(units * unit));
  const post = px(2);
  const postInset = px(1);
  const rail = px(1.5);
  const lowRail = size - px(1) - rail;
  const highRail = lowRail - px(1) - rail;
  const postTop = px(4);
  const rects = [
    [postInset, postTop, post, size - postTop],
    [size - postInset - post, postTop, post, size - postTop],
    [0, highRail, size, rail],
    [0, lowRail, size, rail],
  ];
  const bars = rects
    .map(([x, y, width, height]) => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${unit / 2}"/>`)
    .join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${size} ${size}" fill="${ink}">` +
    `${bars}${mark(state, { size, quarter, unit, bottom: highRail - px(1), ink, px })}</svg>`
  );
}

interface Canvas {
  readonly size: number;
  readonly quarter: number;
  readonly unit: number;
  /** Where the room for the mark ends, above the rails. */
  readonly bottom: number;
  readonly ink: string;
  px(units: number): number;
}

function mark(state: TrayState, { size, quarter, unit, bottom, ink, px }: Canvas): string {
  const centre = size / 2;
  // An even number of pixels, as the size is, and clear of the posts.
  const radius = Math.floor(Math.min(bottom, size - 2 * px(4)) / 2);
  const middle = bottom - radius;
  const stroke = Math.max(1, Math.round(unit * (state === 'busy' ? 2 : 2.5)) / 2);
  const ring = `<circle cx="${centre}" cy="${middle}" r="${radius - stroke / 2}" fill="none" stroke="${ink}" stroke-width="${stroke}"/>`;
  switch (state) {
    case 'idle':
      return ring;
    case 'ready':
      return `<circle cx="${centre}" cy="${middle}" r="${radius}"/>`;
    case 'busy':
      return `${ring}<circle cx="${centre}" cy="${middle}" r="${radius - 2 * stroke}"/>`;
    case 'loading':
      return (
        `${ring}<path transform="rotate(${(quarter - 1) * 90} ${centre} ${middle})" ` +
        `d="M${centre} ${middle}V${middle - radius}A${radius} ${radius} 0 0 1 ${centre + radius} ${middle}Z"/>`
      );
    case 'trouble': {
      const width = 2 * Math.round(unit);
      const gap = px(1);
      const left = centre - width / 2;
      const top = Math.max(0, middle - radius - px(1));
      return (
        `<rect x="${left}" y="${top}" width="${width}" height="${bottom - width - gap - top}" rx="${unit / 2}"/>` +
        `<rect x="${left}" y="${bottom - width}" width="${width}" height="${width}" rx="${unit / 2}"/>`
      );
    }
  }
}
