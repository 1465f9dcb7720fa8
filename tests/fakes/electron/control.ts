import { app } from './app.ts';
import { BrowserWindowStandIn } from './browser-window.ts';
import { bindingName, currentBrowser } from './browser.ts';
import type { ControlAnswer, ControlName, ControlQuestion, ControlRequests, MenuItemView } from './control-messages.ts';
import { answerDialog, shownDialogs } from './dialog.ts';
import type { MenuItemStandIn, MenuStandIn } from './menu.ts';
import { shownNotifications } from './notification.ts';
import { setDisplays } from './screen.ts';
import { defaultSession } from './session.ts';
import { clipboard, nativeTheme, powerMonitor, takeOpenedOutside } from './system.ts';
import { currentTray } from './tray.ts';

/** Answers the driver over the channel that Node gives a child process: what a user, or the desktop, would do or see. */

function viewItem(item: MenuItemStandIn): MenuItemView {
  return {
    id: item.id,
    label: item.label,
    sublabel: item.sublabel,
    type: item.type,
    isEnabled: item.enabled,
    isChecked: item.checked,
    items: viewMenu(item.submenu ?? null),
  };
}

function viewMenu(menu: MenuStandIn | null): MenuItemView[] {
  return (menu?.items ?? []).filter(({ visible }) => visible).map(viewItem);
}

function findItem(menu: MenuStandIn | null, path: readonly string[]): MenuItemStandIn {
  const [label = '', ...rest] = path;
  const visible = menu?.items.filter((each) => each.visible) ?? [];
  const item =
    visible.find((each) => each.id === label || each.label === label) ??
    visible.find((each) => label !== '' && each.label.startsWith(label));
  if (item === undefined) {
    throw new Error(`The tray has no item "${label}"; it has ${visible.map((each) => `"${each.label}"`).join(', ')}.`);
  }
  if (rest.length === 0) return item;
  return findItem(item.submenu ?? null, rest);
}

const handlers: {
  readonly [Name in ControlName]: (
    question: ControlRequests[Name]['question'],
  ) => ControlRequests[Name]['answer'] | Promise<ControlRequests[Name]['answer']>;
} = {
  tray() {
    const tray = currentTray();
    if (tray === undefined) return null;
    return {
      toolTip: tray.toolTip,
      title: tray.getTitle(),
      imageSource: tray.image.source,
      isTemplateImage: tray.image.isTemplateImage(),
      menuCount: tray.menuCount,
      items: viewMenu(tray.menu),
    };
  },
  clickTrayItem(path) {
    findItem(currentTray()?.menu ?? null, path).click();
    return null;
  },
  clickTray() {
    currentTray()?.emit('click', {}, currentTray()?.getBounds(), { x: 0, y: 0 });
    return null;
  },
  notifications: () => shownNotifications().map(({ title, body }) => ({ title, body })),
  clickNotification(number) {
    const notification = shownNotifications()[number];
    if (notification === undefined) throw new Error(`There is no notification ${number}.`);
    notification.emit('click', {});
    return null;
  },
  dialogs: () => shownDialogs(),
  answerDialog({ id, answer }) {
    answerDialog(id, answer);
    return null;
  },
  windows: () =>
    BrowserWindowStandIn.getAllWindows().map((window) => ({
      id: window.id,
      url: window.webContents.getURL(),
      title: window.getTitle(),
      isVisible: window.isVisible(),
      isFocused: window.isFocused(),
      isMinimized: window.isMinimized(),
      isLoaded: !window.webContents.isLoading() && !['', 'about:blank'].includes(window.webContents.getURL()),
      bounds: window.getBounds(),
    })),
  closeWindows() {
    for (const window of BrowserWindowStandIn.getAllWindows()) window.close();
    return null;
  },
  crashRenderers() {
    for (const { webContents } of BrowserWindowStandIn.getAllWindows()) webContents.forcefullyCrashRenderer();
    return null;
  },
  openedOutside: () => takeOpenedOutside(),
  clipboard: () => clipboard.readText(),
  power(event) {
    powerMonitor.emit(event, { preventDefault: () => undefined });
    return null;
  },
  displays(displays) {
    setDisplays(displays);
    return null;
  },
  systemDark(isDark) {
    nativeTheme.setSystemDark(isDark);
    return null;
  },
  loginItem: () => app.getLoginItemSettings().openAtLogin,
  async permission({ permission, url }) {
    const contents = BrowserWindowStandIn.getAllWindows()[0]?.webContents;
    const isChecked = defaultSession.checkPermission(contents, permission, url);
    return isChecked && (await defaultSession.requestPermission(contents, permission, { requestingUrl: url }));
  },
  async chromium() {
    const browser = await currentBrowser();
    return browser === undefined ? null : { address: browser.chromium.debugAddress, binding: bindingName };
  },
  activate() {
    app.emit('activate', {}, BrowserWindowStandIn.getAllWindows().length > 0);
    return null;
  },
  quit() {
    app.quit();
    return null;
  },
};

async function answer({ id, name, question }: ControlQuestion): Promise<ControlAnswer> {
  try {
    const handler = handlers[name] as (question: unknown) => unknown;
    return { id, answer: await handler(question) };
  } catch (thrown) {
    return { id, error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

export function answerDriver(): void {
  process.on('message', (question) => {
    void answer(question as ControlQuestion).then((message) => process.send?.(message));
  });
  // Whoever tests is gone; the app would otherwise wait for somebody to quit it.
  process.on('disconnect', () => process.exit(1));
}
