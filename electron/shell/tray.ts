import {
  clipboard,
  Menu,
  nativeImage,
  nativeTheme,
  systemPreferences,
  Tray,
  type MenuItemConstructorOptions,
} from 'electron';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { AppError } from '#shared/contract/errors.ts';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import type { CommandHandlers } from '../api/command-handlers.ts';
import type { Autostart } from './autostart-contract.ts';
import { createLoadPlans } from './load-plans.ts';
import { createTrayActions } from './tray-actions.ts';
import { decideTrayIcon, decideTrayPicture, nextQuarter, type Quarter } from './tray-icon.ts';
import type { TrayAction, TrayItem } from './tray-item.ts';
import { describeTrayMenu } from './tray-menu.ts';
import { trayPlatform } from './tray-platform.ts';

export interface TrayOptions {
  subscribeSnapshot(listener: (snapshot: Snapshot | undefined) => void): () => void;
  readonly handlers: CommandHandlers;
  openWindow(page?: string): void;
  quit(): void;
  readonly autostart: Autostart;
  /** `build/tray`, or where it was packed to: an image for each state, platform and theme of the bar, with `@2x`. */
  readonly iconFolder: string;
  reportError(error: AppError): void;
}

/** While tokens stream there are dozens of changes a second, and nobody reads faster than this. */
const REFRESH_INTERVAL_MS = 250;
/** A turn in two seconds: to be seen, not to be looked at. */
const QUARTER_TURN_MS = 500;
/** Ages are shown in minutes. */
const AGE_INTERVAL_MS = 30_000;

/** The icon and its menu. What they show is decided by `describeTrayMenu` and `decideTrayIcon`. */
export function createTray(options: TrayOptions): { close(): void } {
  const platform = trayPlatform(process.platform);
  let snapshot: Snapshot | undefined;
  let shownItems: readonly TrayItem[] | undefined;
  let quarter: Quarter = 1;
  let turning: NodeJS.Timeout | undefined;
  let shownIconPath = iconPath();
  const tray = new Tray(nativeImage.createFromPath(shownIconPath));
  let shownTooltip: string | undefined;
  let isMenuOpen = false;
  let isClosed = false;
  let pending: NodeJS.Timeout | undefined;
  let refreshedAtMs = Number.NEGATIVE_INFINITY;

  const actions = createTrayActions({
    handlers: options.handlers,
    autostart: options.autostart,
    openWindow: (page) => options.openWindow(page),
    quit: () => options.quit(),
    copyText: (text) => clipboard.writeText(text),
    reportError: (error) => options.reportError(error),
  });
  const loadPlans = createLoadPlans({
    plan: async (model, signal) => (await options.handlers['plan-load']({ model }, signal)).plan,
    onChange: requestRefresh,
  });

  function iconPath(): string {
    const themes = {
      isAppDark: nativeTheme.shouldUseDarkColors,
      isBarDark: nativeTheme.shouldUseDarkColorsForSystemIntegratedUI,
      desktop: process.env['XDG_CURRENT_DESKTOP'] ?? '',
    };
    return path.join(
      options.iconFolder,
      platform.iconFile(decideTrayPicture(decideTrayIcon(snapshot).state, quarter), themes),
    );
  }

  /** At once if nothing was shown for a while, else as soon as the interval is over. */
  function requestRefresh(): void {
    if (isClosed || pending !== undefined) return;
    const waitMs = refreshedAtMs + REFRESH_INTERVAL_MS - performance.now();
    if (waitMs <= 0) {
      refresh();
      return;
    }
    pending = setTimeout(() => {
      pending = undefined;
      refresh();
    }, waitMs);
    pending.unref();
  }

  function refresh(): void {
    refreshedAtMs = performance.now();
    refreshIcon();
    refreshMenu();
  }

  /** Somebody who asked for less motion sees a quarter that rests. */
  function turnWhile(isLoading: boolean): void {
    if (!isLoading) {
      clearInterval(turning);
      turning = undefined;
      quarter = 1;
    } else if (turning === undefined && !systemPreferences.getAnimationSettings().prefersReducedMotion) {
      turning = setInterval(() => {
        quarter = nextQuarter(quarter);
        refreshIcon();
      }, QUARTER_TURN_MS);
      turning.unref();
    }
  }

  function refreshIcon(): void {
    turnWhile(decideTrayIcon(snapshot).state === 'loading');
    const nextPath = iconPath();
    if (nextPath !== shownIconPath) {
      shownIconPath = nextPath;
      tray.setImage(nativeImage.createFromPath(nextPath));
    }
    const { tooltip } = decideTrayIcon(snapshot);
    if (tooltip === shownTooltip) return;
    shownTooltip = tooltip;
    tray.setToolTip(tooltip);
  }

  function refreshMenu(): void {
    // What was missed is made up for when the menu closes.
    if (isMenuOpen && !platform.bearsChangeWhileOpen) return;
    const items = describeTrayMenu({
      snapshot,
      plans: loadPlans.plans(),
      startsAtLogin: options.autostart.isSupported() ? options.autostart.isOn() : undefined,
      now: Date.now(),
    });
    if (isDeepStrictEqual(items, shownItems)) return;
    shownItems = items;
    const menu = Menu.buildFromTemplate(items.map((item) => templateOf(item, runAction)));
    menu.on('menu-will-show', () => {
      isMenuOpen = true;
    });
    menu.on('menu-will-close', () => {
      isMenuOpen = false;
      // On macOS the click on an item is told after this, and needs the menu it was in.
      setImmediate(requestRefresh);
    });
    tray.setContextMenu(menu);
  }

  function runAction(action: TrayAction, isCheckbox: boolean): void {
    void actions.run(action).then(() => {
      // A checkbox has ticked itself; if that did not come true, only a new menu takes the tick back.
      if (isCheckbox) shownItems = undefined;
      requestRefresh();
    });
  }

  const onThemeChange = (): void => refreshIcon();
  nativeTheme.on('updated', onThemeChange);
  if (platform.opensWindowOnClick) tray.on('click', () => options.openWindow());
  refresh();
  const unsubscribe = options.subscribeSnapshot((next) => {
    snapshot = next;
    loadPlans.update(next);
    requestRefresh();
  });
  const ages = setInterval(requestRefresh, AGE_INTERVAL_MS);
  ages.unref();

  return {
    close() {
      if (isClosed) return;
      isClosed = true;
      unsubscribe();
      clearInterval(ages);
      clearInterval(turning);
      clearTimeout(pending);
      nativeTheme.off('updated', onThemeChange);
      loadPlans.close();
      actions.close();
      tray.destroy();
    },
  };
}

function templateOf(
  item: TrayItem,
  run: (action: TrayAction, isCheckbox: boolean) => void,
): MenuItemConstructorOptions {
  switch (item.kind) {
    case 'separator':
      return { type: 'separator' };
    case 'submenu':
      return {
        type: 'submenu',
        id: item.id,
        label: item.label,
        enabled: item.isEnabled,
        submenu: item.items.map((each) => templateOf(each, run)),
      };
    case 'checkbox':
      return {
        type: 'checkbox',
        id: item.id,
        label: item.label,
        enabled: item.isEnabled,
        checked: item.isChecked,
        click: () => run(item.action, true),
      };
    case 'item':
      return {
        type: 'normal',
        id: item.id,
        label: item.label,
        enabled: item.isEnabled,
        click: () => run(item.action, false),
      };
  }
}
