import { EventEmitter } from 'node:events';
import type { MenuItemConstructorOptions } from 'electron';

/** What the tray and the notifications use of Electron, in memory. */

export class FakeTray extends EventEmitter {
  static newest: FakeTray;
  images: string[] = [];
  tooltip = '';
  menus: FakeMenu[] = [];
  isDestroyed = false;

  constructor(image: string) {
    super();
    this.images.push(image);
    FakeTray.newest = this;
  }

  setImage(image: string): void {
    this.assertAlive();
    this.images.push(image);
  }

  setToolTip(text: string): void {
    this.assertAlive();
    this.tooltip = text;
  }

  setContextMenu(menu: FakeMenu): void {
    this.assertAlive();
    this.menus.push(menu);
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  menu(): FakeMenu {
    return this.menus.at(-1)!;
  }

  private assertAlive(): void {
    if (this.isDestroyed) throw new Error('Tray is destroyed');
  }
}

export class FakeMenu extends EventEmitter {
  readonly template: MenuItemConstructorOptions[];

  constructor(template: MenuItemConstructorOptions[]) {
    super();
    this.template = template;
  }

  static buildFromTemplate(template: MenuItemConstructorOptions[]): FakeMenu {
    return new FakeMenu(template);
  }

  item(id: string, items = this.template): MenuItemConstructorOptions {
    for (const item of items) {
      if (item.id === id) return item;
      const inside = Array.isArray(item.submenu) ? this.find(id, item.submenu) : undefined;
      if (inside !== undefined) return inside;
    }
    throw new Error(`There is no item ${id}.`);
  }

  click(id: string): void {
    (this.item(id).click as () => void)();
  }

  private find(id: string, items: MenuItemConstructorOptions[]): MenuItemConstructorOptions | undefined {
    return items.find((item) => item.id === id);
  }
}

export class FakeNotification extends EventEmitter {
  static shown: FakeNotification[] = [];
  static isAvailable = true;
  isClosed = false;
  readonly options: { title: string; body: string };

  constructor(options: { title: string; body: string }) {
    super();
    this.options = options;
  }

  static isSupported(): boolean {
    return FakeNotification.isAvailable;
  }

  show(): void {
    FakeNotification.shown.push(this);
  }

  close(): void {
    this.isClosed = true;
  }
}

export const nativeTheme = Object.assign(new EventEmitter(), {
  shouldUseDarkColors: false,
  shouldUseDarkColorsForSystemIntegratedUI: false,
});

/** What somebody set in the system; the test changes it. */
export const animation = { prefersReducedMotion: false };

export const copied: string[] = [];

export const fakeElectron = {
  Tray: FakeTray,
  Menu: FakeMenu,
  Notification: FakeNotification,
  nativeTheme,
  systemPreferences: { getAnimationSettings: () => animation },
  nativeImage: { createFromPath: (path: string) => path },
  clipboard: { writeText: (text: string) => Promise.resolve(void copied.push(text)) },
};
