import { EventEmitter } from 'node:events';
import type { Menu, MenuItem, MenuItemConstructorOptions } from 'electron';

type ItemType = MenuItem['type'];

export class MenuItemStandIn implements Pick<
  MenuItem,
  'id' | 'label' | 'sublabel' | 'toolTip' | 'type' | 'enabled' | 'visible' | 'checked'
> {
  readonly id: string;
  label: string;
  readonly sublabel: string;
  readonly toolTip: string;
  readonly type: ItemType;
  readonly role: MenuItemConstructorOptions['role'];
  enabled: boolean;
  visible: boolean;
  checked: boolean;
  readonly submenu: MenuStandIn | undefined;
  readonly #options: MenuItemConstructorOptions;
  readonly #menu: MenuStandIn;

  constructor(options: MenuItemConstructorOptions, menu: MenuStandIn) {
    this.#options = options;
    this.#menu = menu;
    const { submenu } = options;
    this.submenu = Array.isArray(submenu)
      ? MenuStandIn.buildFromTemplate(submenu)
      : (submenu as MenuStandIn | undefined);
    this.id = options.id ?? '';
    this.type = options.type ?? (submenu === undefined ? 'normal' : 'submenu');
    this.label = options.label ?? '';
    this.sublabel = options.sublabel ?? '';
    this.toolTip = options.toolTip ?? '';
    this.role = options.role;
    this.enabled = options.enabled ?? true;
    this.visible = options.visible ?? true;
    this.checked = options.checked ?? false;
    const isNameless = this.type === 'separator' || this.role !== undefined;
    if (this.label === '' && !isNameless) {
      throw new TypeError('Invalid template for MenuItem: must have label, role or type');
    }
  }

  /** What a user's click does: what shows a mark changes it first. */
  click(): void {
    if (!this.enabled || !this.visible) throw new Error(`The menu item "${this.label}" cannot be clicked now.`);
    if (this.type === 'submenu' || this.type === 'separator')
      throw new Error(`"${this.label}" does nothing by itself.`);
    if (this.type === 'checkbox') this.checked = !this.checked;
    if (this.type === 'radio') {
      for (const sibling of this.#menu.items) if (sibling.type === 'radio') sibling.checked = sibling === this;
    }
    const event = { triggeredByAccelerator: false, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
    this.#options.click?.(this as unknown as MenuItem, undefined, event);
  }
}

export class MenuStandIn extends EventEmitter implements Pick<Menu, 'popup' | 'closePopup'> {
  static #applicationMenu: MenuStandIn | null = null;
  readonly items: MenuItemStandIn[] = [];

  static buildFromTemplate(template: readonly MenuItemConstructorOptions[]): MenuStandIn {
    const menu = new MenuStandIn();
    for (const options of template) menu.items.push(new MenuItemStandIn(options, menu));
    return menu;
  }

  static setApplicationMenu(menu: MenuStandIn | null): void {
    MenuStandIn.#applicationMenu = menu;
  }

  static getApplicationMenu(): MenuStandIn | null {
    return MenuStandIn.#applicationMenu;
  }

  getMenuItemById(id: string): MenuItemStandIn | null {
    for (const item of this.items) {
      const found = item.id === id ? item : (item.submenu?.getMenuItemById(id) ?? null);
      if (found !== null) return found;
    }
    return null;
  }

  popup(): void {
    this.emit('menu-will-show', {});
  }

  closePopup(): void {
    this.emit('menu-will-close', {});
  }
}
