import {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  ipcMain,
  nativeTheme,
  Notification,
  powerMonitor,
  screen,
  session,
  shell,
  Tray,
  type MessageBoxOptions,
  type NativeImage,
} from 'electron';
import type { ControlName, ControlRequests, MenuItemView } from '../fakes/electron/control-messages.ts';
import type { DialogAnswer, ShownDialog } from '../fakes/electron/dialog.ts';

/**
 * Loaded into real Electron before the app: keeps what the app shows outside of its window, where no test can look or
 * click, and answers in the user's place. Nothing that Corral itself decides is changed.
 */

/** What is used of Electron's menus. */
interface MenuLike {
  readonly items: readonly MenuItemLike[];
}

interface MenuItemLike {
  readonly id: string;
  readonly label: string;
  readonly sublabel: string;
  readonly type: string;
  readonly enabled: boolean;
  readonly visible: boolean;
  readonly checked: boolean;
  readonly submenu?: MenuLike | undefined;
  readonly click: unknown;
}

type PermissionRequestHandler = Parameters<Electron.Session['setPermissionRequestHandler']>[0];
type PermissionCheckHandler = Parameters<Electron.Session['setPermissionCheckHandler']>[0];

let clickTrayIcon: (() => void) | undefined;
let trayMenu: MenuLike | null = null;
let requestHandler: PermissionRequestHandler = null;
let checkHandler: PermissionCheckHandler = null;
let trayToolTip = '';
let trayImage: NativeImage | string = '';
let menuCount = 0;
const notifications: Notification[] = [];
const openedOutside: string[] = [];
const dialogs: ShownDialog[] = [];
const waiting = new Map<number, (answer: DialogAnswer) => void>();

const { setContextMenu, setToolTip, setImage } = Tray.prototype;
Tray.prototype.setContextMenu = function (this: Tray, menu) {
  clickTrayIcon = () => void this.emit('click');
  trayMenu = menu;
  menuCount += 1;
  setContextMenu.call(this, menu);
};
Tray.prototype.setToolTip = function (this: Tray, text) {
  trayToolTip = text;
  setToolTip.call(this, text);
};
Tray.prototype.setImage = function (this: Tray, image) {
  trayImage = image;
  setImage.call(this, image);
};
Notification.prototype.show = function (this: Notification) {
  notifications.push(this);
};
shell.openExternal = (url) => {
  openedOutside.push(url);
  return Promise.resolve();
};
shell.openPath = (file) => {
  openedOutside.push(file);
  return Promise.resolve('');
};

app.once('ready', () => {
  const { defaultSession } = session;
  const { setPermissionRequestHandler, setPermissionCheckHandler } = defaultSession;
  defaultSession.setPermissionRequestHandler = (handler) => {
    requestHandler = handler;
    setPermissionRequestHandler.call(defaultSession, handler);
  };
  defaultSession.setPermissionCheckHandler = (handler) => {
    checkHandler = handler;
    setPermissionCheckHandler.call(defaultSession, handler);
  };
});

function ask(kind: ShownDialog['kind'], options: MessageBoxOptions): Promise<DialogAnswer> {
  const { message, detail = '', buttons = [], signal } = options;
  const shown: ShownDialog = { id: dialogs.length + 1, kind, message, detail, buttons, isOpen: true };
  dialogs.push(shown);
  return new Promise((resolve) => {
    const settle = (answer: DialogAnswer): void => {
      shown.isOpen = false;
      waiting.delete(shown.id);
      resolve(answer);
    };
    waiting.set(shown.id, settle);
    signal?.addEventListener('abort', () => settle(null), { once: true });
  });
}

function optionsOf(args: readonly unknown[]): unknown {
  return args[0] instanceof BrowserWindow ? args[1] : args[0];
}

dialog.showMessageBox = async (...args: unknown[]) => {
  const options = optionsOf(args) as MessageBoxOptions;
  const answer = await ask('message', options);
  return { response: typeof answer === 'number' ? answer : (options.cancelId ?? 0), checkboxChecked: false };
};
dialog.showOpenDialog = async (...args: unknown[]) => {
  const { title = '' } = optionsOf(args) as { title?: string };
  const answer = await ask('open', { message: title });
  const filePaths = typeof answer === 'object' && answer !== null ? [...answer] : [];
  return { canceled: filePaths.length === 0, filePaths };
};
dialog.showErrorBox = (title, content) => {
  dialogs.push({ id: dialogs.length + 1, kind: 'error', message: title, detail: content, buttons: [], isOpen: false });
};

function viewMenu(menu: MenuLike | null | undefined): MenuItemView[] {
  const visible = menu?.items.filter((item) => item.visible) ?? [];
  return visible.map((item) => ({
    id: item.id,
    label: item.label,
    sublabel: item.sublabel,
    type: item.type,
    isEnabled: item.enabled,
    isChecked: item.checked,
    items: viewMenu(item.submenu),
  }));
}

function findItem(menu: MenuLike | null | undefined, path: readonly string[]): MenuItemLike {
  const [label = '', ...rest] = path;
  const items = menu?.items.filter((each) => each.visible) ?? [];
  const item =
    items.find((each) => each.id === label || each.label === label) ??
    items.find((each) => label !== '' && each.label.startsWith(label));
  if (item === undefined) {
    throw new Error(`The tray has no item "${label}"; it has ${items.map((each) => `"${each.label}"`).join(', ')}.`);
  }
  return rest.length === 0 ? item : findItem(item.submenu, rest);
}

const handlers: {
  readonly [Name in ControlName]: (
    question: ControlRequests[Name]['question'],
  ) => ControlRequests[Name]['answer'] | Promise<ControlRequests[Name]['answer']>;
} = {
  tray: () =>
    clickTrayIcon === undefined
      ? null
      : {
          toolTip: trayToolTip,
          title: '',
          imageSource: typeof trayImage === 'string' ? trayImage : '',
          isTemplateImage: typeof trayImage !== 'string' && trayImage.isTemplateImage(),
          menuCount,
          items: viewMenu(trayMenu),
        },
  clickTrayItem(path) {
    const item = findItem(trayMenu, path);
    if (!item.enabled) throw new Error(`The menu item "${item.label}" cannot be clicked now.`);
    (item.click as () => void)();
    return null;
  },
  clickTray() {
    clickTrayIcon?.();
    return null;
  },
  notifications: () => notifications.map(({ title, body }) => ({ title, body })),
  clickNotification(number) {
    notifications[number]?.emit('click');
    return null;
  },
  dialogs: () => dialogs,
  answerDialog({ id, answer }) {
    const settle = waiting.get(id);
    if (settle === undefined) throw new Error(`There is no open dialog ${id}.`);
    settle(answer);
    return null;
  },
  windows: () =>
    BrowserWindow.getAllWindows().map((window) => ({
      id: window.id,
      url: window.webContents.getURL(),
      title: window.getTitle(),
      isVisible: window.isVisible(),
      isFocused: window.isFocused(),
      isMinimized: window.isMinimized(),
      isLoaded: !window.webContents.isLoading(),
      bounds: window.getBounds(),
    })),
  closeWindows() {
    for (const window of BrowserWindow.getAllWindows()) window.close();
    return null;
  },
  crashRenderers() {
    for (const { webContents } of BrowserWindow.getAllWindows()) webContents.forcefullyCrashRenderer();
    return null;
  },
  openedOutside: () => openedOutside,
  clipboard: () => clipboard.readText(),
  power(event) {
    powerMonitor.emit(event, { preventDefault: () => undefined });
    return null;
  },
  displays(displays) {
    const asDisplays = displays as unknown as Electron.Display[];
    const [primary] = asDisplays;
    if (primary === undefined) throw new Error('A desktop has a display.');
    Object.assign(screen, { getAllDisplays: () => asDisplays, getPrimaryDisplay: () => primary });
    screen.emit('display-removed', {}, primary);
    return null;
  },
  systemDark(isDark) {
    nativeTheme.themeSource = isDark ? 'dark' : 'light';
    return null;
  },
  loginItem: () => app.getLoginItemSettings().openAtLogin,
  async permission({ permission, url }) {
    const [contents = null] = BrowserWindow.getAllWindows().map((window) => window.webContents);
    if (contents === null) throw new Error('There is no window that could ask.');
    const details = { requestingUrl: url, isMainFrame: true };
    if (checkHandler?.(contents, permission as never, url, details) === false) return false;
    return await new Promise<boolean>((resolve) => {
      if (requestHandler === null) resolve(true);
      else requestHandler(contents, permission as never, resolve, details);
    });
  },
  chromium: () => null,
  activate() {
    app.emit('activate');
    return null;
  },
  quit() {
    app.quit();
    return null;
  },
};

/** Electron offers no way to send as a frame; this calls the handler with the frame that it would see. */
async function invokeFromFrame({ channel, args }: { channel: string; args: readonly unknown[] }): Promise<unknown> {
  const [window] = BrowserWindow.getAllWindows();
  if (window === undefined) throw new Error('There is no window.');
  await window.webContents.executeJavaScript(
    'void document.body.append(Object.assign(document.createElement("iframe"), { name: "bad" }))',
  );
  const frame = window.webContents.mainFrame.frames.find(({ name }) => name === 'bad');
  const handler = (
    ipcMain as unknown as { _invokeHandlers: Map<string, (...all: unknown[]) => unknown> }
  )._invokeHandlers.get(channel);
  if (frame === undefined || handler === undefined) throw new Error(`There is no handler for ${channel}.`);
  const answers: unknown[] = [];
  const event = {
    sender: window.webContents,
    senderFrame: frame,
    _replyChannel: { sendReply: (answer: unknown) => answers.push(answer) },
  };
  const answer = (await handler(event, ...args)) ?? (answers[0] as { result?: unknown } | undefined)?.result;
  await window.webContents.executeJavaScript('document.querySelector("iframe[name=bad]").remove()');
  return answer;
}

Object.assign(globalThis, {
  corralTestControl: (name: string, question: unknown): unknown =>
    name === 'invokeFromFrame'
      ? invokeFromFrame(question as Parameters<typeof invokeFromFrame>[0])
      : (handlers[name as ControlName] as (question: unknown) => unknown)(question),
});
