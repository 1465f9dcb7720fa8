import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import type { ControlAnswer, ControlName, ControlQuestion } from '../fakes/electron/control-messages.ts';
import { decodeClone, encodeClone } from '../fakes/electron/clone-codec.ts';
import { buildStandIn } from '../fakes/electron/build-stand-in.ts';
import type { ToPage } from '../fakes/electron/page-messages.ts';
import { standInEnv } from '../fakes/electron/stand-in-settings.ts';
import { cliEnv } from '../integration/support/corral-process.ts';
import type { DesktopApp, DesktopDriver, LaunchOptions } from './driver.ts';
import { ensureChromium } from './support/chromium.ts';
import type { PageDocument } from './support/page-globals.ts';
import { chromiumVersion } from './support/chromium-version.ts';
import { waitUntil } from './support/wait-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const builtFolder = path.join(root, 'node_modules', '.cache', 'corral-electron-stand-in');

export interface StandInOptions {
  /** The folder with the package.json of the app. */
  readonly appPath?: string;
}

/** Runs the built app in a Node process of its own whose `electron` is the stand-in. */
export async function createStandInDriver({ appPath = root }: StandInOptions = {}): Promise<DesktopDriver> {
  const executable = await ensureChromium();
  const [registerFile, version, packageText] = await Promise.all([
    buildStandIn(builtFolder),
    chromiumVersion(executable),
    readFile(path.join(appPath, 'package.json'), 'utf8'),
  ]);
  const { main, name, version: appVersion } = JSON.parse(packageText) as Record<'main' | 'name' | 'version', string>;
  const nodeArgs = ['--enable-source-maps', '--import', registerFile, path.join(appPath, main)];

  return {
    name: `the stand-in for Electron with ${version}`,
    async launch(options) {
      const settings = { chromium: executable, appPath, appName: name, appVersion };
      return await launch(options, nodeArgs, settings);
    },
  };
}

async function launch(
  { folder, args, env = {} }: LaunchOptions,
  nodeArgs: readonly string[],
  settings: {
    readonly chromium: string;
    readonly appPath: string;
    readonly appName: string;
    readonly appVersion: string;
  },
): Promise<DesktopApp> {
  let output = '';
  const start = async (appArgs: readonly string[]): Promise<ChildProcess> => {
    const profilePath = await mkdtemp(path.join(folder.path, 'chromium-'));
    const homePath = path.join(folder.path, 'home');
    await mkdir(homePath, { recursive: true });
    const child = spawn(process.execPath, [...nodeArgs, ...appArgs], {
      cwd: folder.path,
      env: { ...cliEnv(folder), ...standInEnv({ ...settings, homePath, profilePath }), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return child;
  };

  const child = await start(args);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const control = createControl(child, exited, () => output);
  let browser: Browser | undefined;
  const known = new Set<Page>();
  const crashed = new Set<Page>();

  async function connect(): Promise<Browser | undefined> {
    if (browser?.isConnected() === true) return browser;
    const address = await control.ask('chromium', null);
    browser = address === null ? undefined : await chromium.connectOverCDP((address as { address: string }).address);
    return browser;
  }

  async function findPage(): Promise<Page | undefined> {
    const windows = (await control.ask('windows', null)) as readonly { isLoaded: boolean }[];
    if (!windows.some(({ isLoaded }) => isLoaded)) return undefined;
    const connected = await connect();
    const pages = connected?.contexts().flatMap((context) => context.pages()) ?? [];
    for (const each of pages) {
      if (!known.has(each)) each.once('crash', () => void crashed.add(each));
      known.add(each);
    }
    return pages.findLast((page) => !page.isClosed() && !crashed.has(page) && page.url().startsWith('http://'));
  }

  const page = async (): Promise<Page> => {
    try {
      return await waitUntil('the window shows its page', findPage, 40_000);
    } catch (thrown) {
      const windows = JSON.stringify(await control.ask('windows', null));
      const seen = browser?.contexts().map((context) => context.pages().map((each) => each.url()));
      throw new Error(`The windows are ${windows}, pages ${JSON.stringify(seen)}; the app wrote:\n${output}`, {
        cause: thrown,
      });
    }
  };

  return {
    pid: child.pid ?? 0,
    exited,
    ask: async (name, ...question) => (await control.ask(name, question[0] ?? null)) as never,
    page,
    async invokeFromFrame(channel, invokeArgs) {
      const { binding } = (await control.ask('chromium', null)) as { binding: string };
      return await invokeFromFrame(await page(), binding, channel, invokeArgs);
    },
    async launchSecond(secondArgs = args) {
      const startedMs = performance.now();
      const second = await start(secondArgs);
      const exitCode = await new Promise<number | null>((resolve) => second.once('exit', resolve));
      return { exitCode, tookMs: performance.now() - startedMs };
    },
    output: () => output,
    async dispose() {
      await browser?.close().catch(() => undefined); // Only the connection; it may be gone with the app.
      // Chromium ends with it, by its pipe.
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
      // Its profile, which is in the folder, is written to until the last of it has ended.
      const hasEnded = async (): Promise<boolean> => (await folder.liveProcesses()).length === 0;
      if (process.platform === 'linux') await waitUntil('Chromium has ended', hasEnded, 20_000).catch(() => undefined); // Said by the folder.
    },
  };
}

function createControl(child: ChildProcess, exited: Promise<unknown>, output: () => string) {
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  let lastId = 0;
  child.on('message', (message) => {
    const { id, answer, error } = message as ControlAnswer;
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(answer);
    else call?.reject(new Error(error));
  });
  void exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`The app has ended. It wrote:\n${output()}`));
    waiting.clear();
  });
  return {
    ask(name: ControlName, question: unknown): Promise<unknown> {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        if (!child.connected) {
          reject(new Error(`The app has ended. It wrote:\n${output()}`));
          return;
        }
        waiting.set(id, { resolve, reject });
        child.send({ id, name, question } satisfies ControlQuestion, (error) => {
          if (error !== null) reject(error);
        });
      });
    },
  };
}

/** For functions that run in the page. */
declare const document: PageDocument;

/** An empty frame has no preload script, and so still what connects a page of the stand-in to the main process. */
async function invokeFromFrame(
  page: Page,
  binding: string,
  channel: string,
  args: readonly unknown[],
): Promise<unknown> {
  const answer = await page.evaluate(
    async ([name, invokeChannel, encodedArgs, receiver]) => {
      const frame = document.createElement('iframe');
      document.body.append(frame);
      try {
        const inside = frame.contentWindow as unknown as Record<string, unknown>;
        return await new Promise<ToPage>((resolve) => {
          inside[receiver] = (text: string) => resolve(JSON.parse(text) as ToPage);
          const post = inside[name] as (text: string) => void;
          post(JSON.stringify({ kind: 'invoke', id: 1, channel: invokeChannel, args: encodedArgs }));
        });
      } finally {
        frame.remove();
      }
    },
    [binding, channel, encodeClone(args), binding.replace('send_', 'receive_')] as const,
  );
  if (answer.kind !== 'answer') throw new Error('A frame was sent a message that it did not ask for.');
  if (answer.error !== undefined) throw new Error(answer.error);
  return decodeClone(answer.value);
}
