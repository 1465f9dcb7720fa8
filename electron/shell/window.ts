import { app, BrowserWindow, dialog, nativeTheme, screen, type WebContents } from 'electron';
import { channels } from '#shared/contract/channels.ts';
import { APP_URL } from './app-route.ts';
import { decideRecovery } from './decide-recovery.ts';
import { hardenContents } from './harden-contents.ts';
import { isReachable, MIN_WINDOW_SIZE, placeWindow, type WindowState } from './window-state.ts';

export interface MainWindowOptions {
  readonly preloadFile: string;
  /** Where the window was when it was last closed. */
  readonly remembered: WindowState | undefined;
  remember(state: WindowState): void;
  /** Before the contents load their page. */
  onContents(contents: WebContents): void;
  /** The window was closed, or its process died. */
  onGone(): void;
  log(line: string): void;
}

export interface MainWindow {
  /** Shows the window, in front of others, and the page if one is named (as in its address, `logs/qwen3`); makes it if there is none. */
  open(page?: string): void;
  /** For dialogs to be in front of. */
  current(): BrowserWindow | undefined;
  close(): void;
  /** Closes, and lets go of the displays. */
  dispose(): void;
}

/** `--ground` of renderer/styles/tokens.css, so that nothing flashes before the page is drawn. */
const BACKGROUND = { light: '#f6f5f1', dark: '#171715' } as const;
/** A drag makes hundreds of changes; only where it ends matters. */
const SETTLED_MS = 400;

/**
 * The one window. Closing it destroys it: a page that nobody sees would keep memory, of the GPU too, that models could use.
 * When its process dies it comes back where it was, a few times; the engine notices nothing of either.
 */
export function createMainWindow(options: MainWindowOptions): MainWindow {
  const { log } = options;
  let { remembered } = options;
  let window: BrowserWindow | undefined;
  const failedAtMs: number[] = [];
  let recovery: NodeJS.Timeout | undefined;

  function place(state: WindowState | undefined): WindowState {
    const workAreas = screen.getAllDisplays().map((display) => display.workArea);
    return placeWindow(state, workAreas, screen.getPrimaryDisplay().workArea);
  }

  function create(address: string): BrowserWindow {
    const { isMaximised, ...bounds } = place(remembered);
    const created = new BrowserWindow({
      ...bounds,
      minWidth: Math.min(MIN_WINDOW_SIZE.width, bounds.width),
      minHeight: Math.min(MIN_WINDOW_SIZE.height, bounds.height),
      show: false,
      title: 'Corral',
      backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
      webPreferences: {
        preload: options.preloadFile,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    });
    if (isMaximised) created.maximize();
    hardenContents(created.webContents, log);
    options.onContents(created.webContents);
    watchPlace(created);
    watchProcess(created);
    created.once('ready-to-show', () => created.show());
    created.once('closed', () => {
      if (window !== created) return;
      window = undefined;
      app.dock?.hide();
      options.onGone();
    });
    load(created, address);
    return created;
  }

  function load(into: BrowserWindow, address: string): void {
    into.loadURL(address).catch((thrown: unknown) => {
      if (!into.isDestroyed()) log(`warn The window could not load ${address}: ${(thrown as Error).message}`);
    });
  }

  function watchPlace(created: BrowserWindow): void {
    let settling: NodeJS.Timeout | undefined;
    const note = (): void => {
      clearTimeout(settling);
      if (created.isDestroyed() || created.isFullScreen() || created.isMinimized()) return;
      remembered = { ...created.getNormalBounds(), isMaximised: created.isMaximized() };
      options.remember(remembered);
    };
    const noteSoon = (): void => {
      clearTimeout(settling);
      settling = setTimeout(note, SETTLED_MS);
    };
    created.on('resize', noteSoon);
    created.on('move', noteSoon);
    created.on('maximize', noteSoon);
    created.on('unmaximize', noteSoon);
    created.on('close', note);
    created.once('closed', () => clearTimeout(settling));
  }

  function watchProcess(created: BrowserWindow): void {
    const { webContents } = created;
    webContents.on('unresponsive', () => log('warn The window does not respond; models are served as before'));
    webContents.on('responsive', () => log('info The window responds again'));
    webContents.on('preload-error', (_event, _file, error) => log(`error The preload script failed: ${error.message}`));
    webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
      if (window !== created) return;
      log(`error The window's process is gone (${reason}, exit code ${exitCode}); models are served as before`);
      const address = webContents.getURL();
      window = undefined;
      options.onGone();
      created.destroy();
      recover(address === '' ? APP_URL : address);
    });
  }

  function recover(address: string): void {
    const nowMs = performance.now();
    failedAtMs.push(nowMs);
    const decision = decideRecovery(failedAtMs, nowMs);
    if (decision.kind === 'reopen') {
      recovery = setTimeout(() => (window ??= create(address)), decision.delayMs);
      return;
    }
    dialog
      .showMessageBox({
        type: 'error',
        message: 'The window keeps failing',
        detail:
          'Corral closed its window, because it failed several times in a row. Models are served as before, and the tray ' +
          'still works. What happened is in Corral’s log.',
        buttons: ['Open it again', 'Leave it closed'],
        defaultId: 0,
        cancelId: 1,
        noLink: true,
      })
      .then(({ response }) => {
        if (response !== 0) return;
        failedAtMs.length = 0;
        open();
      })
      .catch((thrown: unknown) => log(`warn A message could not be shown: ${(thrown as Error).message}`));
  }

  function open(page?: string): void {
    clearTimeout(recovery);
    if (window === undefined) {
      void app.dock?.show();
      window = create(page === undefined ? APP_URL : pageAddress(page));
      return;
    }
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
    if (page === undefined) return;
    // A page that is being loaded does not listen yet; it reads its address once it does.
    if (window.webContents.isLoading()) load(window, pageAddress(page));
    else window.webContents.send(channels.navigate, page);
  }

  /** A display that went away, or became smaller, must not take the window with it. */
  const bringBack = (): void => {
    if (window === undefined || window.isMaximized() || window.isFullScreen()) return;
    const workAreas = screen.getAllDisplays().map((display) => display.workArea);
    const bounds = window.getBounds();
    if (isReachable(bounds, workAreas)) return;
    const { x, y, width, height } = place({ ...bounds, isMaximised: false });
    window.setBounds({ x, y, width, height });
  };
  screen.on('display-removed', bringBack);
  screen.on('display-metrics-changed', bringBack);

  function close(): void {
    clearTimeout(recovery);
    window?.close();
  }

  return {
    open,
    current: () => window,
    close,
    dispose() {
      screen.off('display-removed', bringBack);
      screen.off('display-metrics-changed', bringBack);
      clearTimeout(recovery);
      window?.destroy();
    },
  };
}

function pageAddress(page: string): string {
  return `${APP_URL}#/${page}`;
}
