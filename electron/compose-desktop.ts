import path from 'node:path';
import { inspect } from 'node:util';
import { app, dialog, session, shell } from 'electron';
import { toAppError } from '#shared/contract/errors.ts';
import { createCommandHandlers } from './api/command-handlers.ts';
import { composeEngine, type ComposedEngine } from './compose-engine.ts';
import { writeFileAtomically } from './engine/config/atomic-write.ts';
import { createPortFinder } from './engine/supervisor/free-port.ts';
import { setAppIdentity } from './shell/app-identity-windows.ts';
import { setAppMenu } from './shell/app-menu.ts';
import { serveApp } from './shell/app-protocol.ts';
import { createAutostart, type Autostart } from './shell/autostart.ts';
import { choosePath } from './shell/choose-path.ts';
import { describeWait } from './shell/describe-wait.ts';
import { createDesktopHandlers } from './shell/desktop-handlers.ts';
import { hardenSession } from './shell/harden-contents.ts';
import { createIpcTransport } from './shell/ipc-transport.ts';
import type { LaunchOptions } from './shell/launch-options.ts';
import { askAboutStart, askToHurry, showError } from './shell/message-boxes.ts';
import { createNotifications } from './shell/notifications.ts';
import { openPath } from './shell/open-path.ts';
import { openablePath } from './shell/openable-path.ts';
import { openPreferences } from './shell/preferences.ts';
import { watchPower } from './shell/power.ts';
import { createQuitSequence } from './shell/quit-sequence.ts';
import { splitLevel } from './shell/shell-log.ts';
import { createSnapshotFeed } from './shell/snapshot-feed.ts';
import { startWithHelp } from './shell/start-with-help.ts';
import { createTray } from './shell/tray.ts';
import { createUpdater } from './shell/updater.ts';
import { createMainWindow, type MainWindow } from './shell/window.ts';
import { createWindowMemory } from './shell/window-memory.ts';

/** The desktop app: the engine that also runs headless, and around it window and tray. Only wires. */

/** What only this process does with the engine; closed in the opposite order. */
interface Desktop {
  readonly window: MainWindow;
  close(): Promise<void>;
}

const INSTALLER_LIMIT_MS = 60_000;

let composed: ComposedEngine | undefined;
let desktop: Desktop | undefined;
let starting: Promise<ComposedEngine | undefined> = Promise.resolve(undefined);
/** Somebody asked for the window before there was one to show. */
let isWindowWanted = false;
let defect: string | undefined;
const startCancelled = new AbortController();

/** Into Corral's own log, which the window shows; to standard error until that is open. */
function log(line: string): void {
  const { level, message } = splitLevel(line);
  if (composed === undefined) process.stderr.write(`${line}\n`);
  else composed.engine.log(level, message);
}

function openWindow(page?: string): void {
  if (desktop === undefined) isWindowWanted = true;
  else if (!quit.hasBegun()) desktop.window.open(page);
}

const quit = createQuitSequence({
  closeWindow: () => desktop?.window.close(),
  async stopEngine(isHurried) {
    startCancelled.abort();
    const running = await starting;
    await running?.engine.stop({ isHurried });
    composed = undefined;
  },
  waitsFor: () => (composed === undefined ? 'what it had begun' : describeWait(composed.engine.snapshot())),
  askToHurry,
  closeShell: async () => await desktop?.close(),
  exit(code) {
    // With everything stopped it may stand there until somebody reads it.
    if (defect !== undefined) dialog.showErrorBox('Corral has a defect and was ended', defect);
    app.exit(code);
  },
  log,
});

function onDefect(thrown: unknown): void {
  log(`error Corral has a defect and stops: ${inspect(thrown)}`);
  defect ??= toAppError(thrown).message;
  // A second one, or one on the way out, is no reason to cut running answers short.
  if (!quit.hasBegun()) quit.begin(1);
}

async function startDesktop(launch: LaunchOptions): Promise<void> {
  await app.whenReady();
  setAppIdentity(process.platform);
  setAppMenu(process.platform);
  hardenSession(session.defaultSession);
  const autostart = createAutostart();
  const isHidden = launch.isHidden || autostart.wasStartedByLogin();
  if (isHidden) app.dock?.hide();
  starting = startWithHelp({
    start: (port) =>
      composeEngine({
        ...launch,
        port: port ?? launch.port,
        version: app.getVersion(),
        printLog: (line) => void process.stderr.write(`${line}\n`),
      }),
    findFreePort: createPortFinder(),
    ask: askAboutStart,
    async openFile(filePath) {
      const problem = await shell.openPath(filePath);
      if (problem !== '') log(`warn ${filePath} could not be opened: ${problem}`);
    },
    log,
    signal: startCancelled.signal,
  });
  composed = await starting;
  if (quit.hasBegun()) return;
  if (composed === undefined) {
    quit.begin(1);
    return;
  }
  desktop = await composeDesktop(composed, autostart);
  if (!isHidden || isWindowWanted) openWindow();
}

async function composeDesktop({ engine, config }: ComposedEngine, autostart: Autostart): Promise<Desktop> {
  const outFolder = path.join(app.getAppPath(), 'out');
  const dataFile = (name: string): string => path.join(app.getPath('userData'), name);
  const windowMemory = createWindowMemory({ filePath: dataFile('window.json'), writeFile: writeFileAtomically, log });
  const preferences = await openPreferences({
    filePath: dataFile('preferences.json'),
    write: writeFileAtomically,
    log,
  });
  const remembered = await windowMemory.read();
  const handlers = createCommandHandlers(engine, { isOwner: true });
  const snapshots = createSnapshotFeed(engine);
  const updater = createUpdater({
    isPackaged: app.isPackaged,
    channel: () => config().updates.channel,
    onChange: () => undefined,
    async beforeInstall() {
      await quit.stopAll();
      // With everything stopped there is nothing to go on with if the installer never takes over.
      setTimeout(() => app.exit(1), INSTALLER_LIMIT_MS);
    },
    log,
  });
  const appProtocol = serveApp({
    rendererFolder: path.join(outFolder, 'renderer'),
    engineAddress: engine.address,
    log,
  });
  const transport = createIpcTransport({
    source: engine,
    commandHandlers: handlers,
    desktopHandlers: createDesktopHandlers({
      autostart,
      updater,
      preferences,
      choosePath: (kind) => choosePath(kind, window.current()),
      openPath: (which) => openPath(openablePath(which, engine.snapshot().instance)),
    }),
    log,
  });
  const window = createMainWindow({
    preloadFile: path.join(outFolder, 'preload.cjs'),
    remembered,
    remember: windowMemory.write,
    onContents: transport.attach,
    onGone: appProtocol.endPasses,
    log,
  });
  const tray = createTray({
    subscribeSnapshot: snapshots.subscribe,
    handlers,
    openWindow,
    quit: () => app.quit(),
    autostart,
    iconFolder: app.isPackaged
      ? path.join(process.resourcesPath, 'tray')
      : path.join(app.getAppPath(), 'build', 'tray'),
    reportError: showError,
  });
  const notifications = createNotifications({
    subscribeSnapshot: snapshots.subscribe,
    isEnabled: preferences.hasNotifications,
    openWindow,
  });
  const power = watchPower({ onResume: transport.refresh, onShutdown: () => quit.begin(), log });
  return {
    window,
    async close() {
      power.close();
      updater.close();
      snapshots.close();
      notifications.close();
      tray.close();
      window.dispose();
      transport.close();
      await appProtocol.close();
      await windowMemory.flush();
    },
  };
}

/** From here on this process is the one Corral of its data folder; it ends with `app.exit`. */
export function runDesktop(launch: LaunchOptions): void {
  app.on('second-instance', (_event, _args, _folder, data) => {
    if ((data as { isHidden?: unknown } | null)?.isHidden !== true) openWindow();
  });
  app.on('activate', () => openWindow());
  app.on('window-all-closed', () => undefined); // The tray stays; without a listener Electron would quit.
  app.on('before-quit', (event) => {
    if (quit.hasEnded()) return;
    event.preventDefault();
    quit.begin();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => quit.begin());
  process.on('uncaughtException', onDefect);
  process.on('unhandledRejection', onDefect);
  void startDesktop(launch);
}
