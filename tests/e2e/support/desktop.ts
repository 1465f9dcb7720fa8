import path from 'node:path';
import type { Page } from 'playwright';
import { stringify } from 'yaml';
import type { Bridge } from '#shared/contract/bridge.ts';
import { createHttpBridge } from '#shared/contract/http-bridge.ts';
import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { readInstanceFile } from '../../../electron/engine/config/instance-file.ts';
import { createTestFolder, type TestFolder } from '../../integration/support/corral.ts';
import type { LiveProcess } from '../../integration/support/live-processes-linux.ts';
import { selectDriver, type DesktopApp } from '../driver.ts';
import { waitUntil } from './wait-until.ts';

export interface DesktopOptions {
  /** The configuration; a text is written as it is. */
  readonly config: Record<string, unknown> | string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** One that has ended: the next start of the same app, with its folders and its file as they are. `config` is not written. */
  readonly after?: Desktop;
}

/** Corral's desktop app with a configuration and folders of its own. */
export interface Desktop {
  readonly app: DesktopApp;
  readonly folder: TestFolder;
  readonly configFile: string;
  readonly dataFolder: string;
  /** The address that programs use; resolves once the engine listens. */
  address(): Promise<string>;
  /** What the engine says, over HTTP: the window is not asked. */
  snapshot(): Promise<Snapshot>;
  /** A command over HTTP. */
  bridgeCall: Bridge['call'];
  model(modelId: string): Promise<ModelView>;
  /** Begins a streamed answer through the public address. */
  startChat(modelId: string): Promise<ChatStream>;
  clickTray(...path: string[]): Promise<void>;
  /** The processes of this app that still live, whoever started them. */
  liveProcesses(): Promise<LiveProcess[]>;
  /** Quits as a user does, and resolves with the exit code. */
  quit(): Promise<number | null>;
  /** Ends everything and fails if something is left. */
  stop(): Promise<void>;
}

export interface ChatStream {
  /** How many pieces of the answer have come. */
  count(): number;
  /** The longest time without one. */
  longestGapMs(): number;
  /** The whole answer; rejects if it was cut. */
  readonly text: Promise<string>;
}

const startMs = 60_000;

export async function startDesktop({ config, args = [], env = {}, after }: DesktopOptions): Promise<Desktop> {
  const folder = after?.folder ?? (await createTestFolder());
  const configFile =
    after?.configFile ?? (await folder.write('config.yaml', typeof config === 'string' ? config : stringify(config)));
  const dataFolder = path.join(folder.path, 'data');
  const driver = await selectDriver();
  const launchArgs = ['--config', configFile, '--data-dir', dataFolder, ...args];
  const app = await driver.launch({ folder, args: launchArgs, env });
  let bridge: Bridge | undefined;

  const instance = () =>
    waitUntil('Corral has written down its address', async () => await readInstanceFile(dataFolder), startMs);
  async function ensureBridge(): Promise<Bridge> {
    const { address, token } = await instance();
    return (bridge ??= createHttpBridge({ address, token }));
  }
  const snapshot = async (): Promise<Snapshot> => await (await ensureBridge()).call('get-snapshot', {});
  const liveProcesses = async (): Promise<LiveProcess[]> =>
    process.platform === 'linux' ? await folder.liveProcesses() : [];

  return {
    app,
    folder,
    configFile,
    dataFolder,
    address: async () => (await instance()).address,
    snapshot,
    liveProcesses,
    bridgeCall: async (name, request, signal) => await (await ensureBridge()).call(name, request, signal),
    async model(modelId) {
      const found = (await snapshot()).models.find(({ id }) => id === modelId);
      if (found === undefined) throw new Error(`There is no model ${modelId}.`);
      return found;
    },
    startChat: async (modelId) => await startChat((await instance()).address, modelId),
    async clickTray(...itemPath) {
      await app.ask('clickTrayItem', itemPath);
    },
    async quit() {
      // It may end before it answers.
      await app.ask('clickTrayItem', ['quit']).catch(() => undefined);
      return await app.exited;
    },
    async stop() {
      bridge?.close();
      await app.dispose();
      await waitUntil('nothing is left', async () => (await liveProcesses()).length === 0, 20_000).catch(
        () => undefined,
      ); // Said by the next line.
      await folder.dispose();
    },
  };
}

/** Which also waits for the first window. */
export async function startDesktopWithWindow(options: DesktopOptions) {
  const desktop = await startDesktop(options);
  try {
    const page = await desktop.app.page();
    return { desktop, page };
  } catch (thrown) {
    const output = desktop.app.output();
    await desktop.stop();
    throw new Error(`The desktop did not open its window. It wrote:\n${output}`, { cause: thrown });
  }
}

/** Waits until the page shows it to somebody, wherever. */
export async function waitForText(page: Page, text: string): Promise<void> {
  await page.getByText(text, { exact: true }).filter({ visible: true }).first().waitFor();
}

async function startChat(address: string, modelId: string): Promise<ChatStream> {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: modelId, stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  if (response.body === null || !response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  let count = 0;
  let longestGapMs = 0;
  let lastMs = performance.now();
  const read = async (body: ReadableStream<Uint8Array>): Promise<string> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const nowMs = performance.now();
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
      count += 1;
      text += decoder.decode(chunk, { stream: true });
    }
    return text;
  };
  const text = read(response.body as ReadableStream<Uint8Array>);
  text.catch(() => undefined); // Whoever asked for the stream looks at it.
  return { count: () => count, longestGapMs: () => longestGapMs, text };
}
