import { EventEmitter } from 'node:events';
import type { Rectangle, Tray } from 'electron';
import type { MenuStandIn } from './menu.ts';
import { nativeImage, type NativeImageStandIn } from './native-image.ts';

const trays = new Set<TrayStandIn>();

export class TrayStandIn
  extends EventEmitter
  implements Pick<Tray, 'setToolTip' | 'setTitle' | 'getTitle' | 'destroy' | 'isDestroyed' | 'getBounds' | 'focus'>
{
  image: NativeImageStandIn;
  toolTip = '';
  menu: MenuStandIn | null = null;
  /** How often the menu was built anew. */
  menuCount = 0;
  #title = '';
  #isDestroyed = false;

  constructor(image: NativeImageStandIn | string) {
    super();
    this.image = toImage(image);
    trays.add(this);
  }

  setImage(image: NativeImageStandIn | string): void {
    this.image = toImage(image);
  }

  setPressedImage(_image: NativeImageStandIn | string): void {
    // Nobody sees it pressed.
  }

  setToolTip(toolTip: string): void {
    this.toolTip = toolTip;
  }

  setTitle(title: string): void {
    this.#title = title;
  }

  getTitle(): string {
    return this.#title;
  }

  setContextMenu(menu: MenuStandIn | null): void {
    this.menu = menu;
    this.menuCount += 1;
  }

  popUpContextMenu(menu?: MenuStandIn): void {
    (menu ?? this.menu)?.popup();
  }

  closeContextMenu(): void {
    this.menu?.closePopup();
  }

  setIgnoreDoubleClickEvents(_isIgnored: boolean): void {
    // Clicks come one at a time here.
  }

  getBounds(): Rectangle {
    return { x: 0, y: 0, width: 22, height: 22 };
  }

  focus(): void {
    this.emit('focus');
  }

  destroy(): void {
    this.#isDestroyed = true;
    trays.delete(this);
  }

  isDestroyed(): boolean {
    return this.#isDestroyed;
  }
}

export function currentTray(): TrayStandIn | undefined {
  return [...trays].at(-1);
}

/** Electron throws for an image file that it cannot read. */
function toImage(image: NativeImageStandIn | string): NativeImageStandIn {
  if (typeof image !== 'string') return image;
  const read = nativeImage.createFromPath(image);
  if (read.isEmpty()) throw new Error(`Failed to load image from path '${image}'`);
  return read;
}
