import { randomBytes } from 'node:crypto';
import { startChromium, type ChromiumProcess } from './chromium-process.ts';
import type { ProtocolPipe } from './protocol-pipe.ts';
import { startSchemeServer } from './scheme-server.ts';
import { readStandInSettings } from './stand-in-settings.ts';

/** The one Chromium of an app, started with its first window. */
export interface Browser {
  readonly chromium: ChromiumProcess;
  createPage(width: number, height: number): Promise<{ targetId: string; sessionId: string }>;
}

/** Hard to guess, so that no page meets these names by chance; the driver asks for them to act as a page gone bad. */
const secret = randomBytes(8).toString('hex');
export const bindingName = `send_${secret}`;
export const receiverName = `receive_${secret}`;

let starting: Promise<Browser> | undefined;

export function ensureBrowser(): Promise<Browser> {
  starting ??= startBrowser();
  return starting;
}

/** Undefined before the first window. */
export function currentBrowser(): Promise<Browser> | undefined {
  return starting;
}

export async function closeBrowser(): Promise<void> {
  const browser = await starting?.catch(() => undefined);
  await browser?.chromium.close();
}

async function startBrowser(): Promise<Browser> {
  const settings = readStandInSettings();
  const [chromium] = await Promise.all([startChromium(settings.chromium, settings.profilePath), startSchemeServer()]);
  const { pipe } = chromium;
  const ownTargets = new Map<string, (sessionId: string) => void>();
  const early = new Map<string, string>();
  let creating = 0;

  pipe.onEvent(({ method, params, sessionId: parentSession }) => {
    if (method !== 'Target.attachedToTarget' || parentSession !== undefined) return;
    const { sessionId, targetInfo } = params as {
      sessionId: string;
      targetInfo: { targetId: string; type: string; openerId?: string };
    };
    const waiting = ownTargets.get(targetInfo.targetId);
    if (waiting !== undefined) waiting(sessionId);
    else if (creating > 0 && targetInfo.openerId === undefined) early.set(targetInfo.targetId, sessionId);
    else refusePage(pipe, targetInfo.targetId, sessionId);
  });
  await pipe.send('Target.setDiscoverTargets', { discover: true });
  await pipe.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: true,
    flatten: true,
    filter: [{ type: 'page' }],
  });

  return {
    chromium,
    async createPage(width, height) {
      creating += 1;
      try {
        const made = await pipe.send('Target.createTarget', { url: 'about:blank', newWindow: true, width, height });
        const targetId = made['targetId'] as string;
        const sessionId =
          early.get(targetId) ?? (await new Promise<string>((resolve) => ownTargets.set(targetId, resolve)));
        early.delete(targetId);
        return { targetId, sessionId };
      } finally {
        creating -= 1;
      }
    },
  };
}

/**
 * A page wanted it; whether it may is for the window's handler, which never allows it here. All its requests are held
 * first. It has to run before it is closed: the page that opened it, in the same process, would stand still for good.
 */
function refusePage(pipe: ProtocolPipe, targetId: string, sessionId: string): void {
  const steps = [
    pipe.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }, sessionId),
    pipe.send('Runtime.runIfWaitingForDebugger', {}, sessionId),
    pipe.send('Target.closeTarget', { targetId }),
  ];
  for (const step of steps) step.catch(() => undefined); // It may close by itself meanwhile.
}
