import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { createProtocolPipe, type ProtocolPipe } from './protocol-pipe.ts';

export interface ChromiumProcess {
  readonly pipe: ProtocolPipe;
  readonly pid: number;
  /** Where a test may connect over the DevTools protocol, too. */
  readonly debugAddress: string;
  /** Ends Chromium and waits until it has ended. */
  close(): Promise<void>;
}

const closeMs = 5000;

/** Quiet, and without anything that reaches for the network or the desktop. */
const flags = [
  '--headless=new',
  '--no-sandbox',
  '--no-startup-window',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-breakpad',
  '--disable-client-side-phishing-detection',
  '--disable-component-extensions-with-background-pages',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-gpu',
  '--disable-popup-blocking',
  '--disable-sync',
  '--disable-features=SpareRendererForSitePerProcess,Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup,MediaRouter,OptimizationHints,HttpsUpgrades',
  '--metrics-recording-only',
  '--mute-audio',
  '--no-service-autorun',
  '--password-store=basic',
  '--use-mock-keychain',
];

/**
 * Starts a Chromium that lives no longer than this process: it ends when its pipe closes, also when this process was
 * killed. Its process group is its own, so that closing can end all of it.
 */
export async function startChromium(executable: string, profilePath: string): Promise<ChromiumProcess> {
  const child = spawn(
    executable,
    [...flags, '--remote-debugging-pipe', '--remote-debugging-port=0', `--user-data-dir=${profilePath}`],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: process.platform !== 'win32' },
  );
  let errors = '';
  // It answers on its pipe before it listens for others.
  const listening = new Promise<string>((resolve) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-8000);
      const [, port] = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(errors) ?? [];
      if (port !== undefined) resolve(port);
    });
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      errors += String(error);
      resolve();
    });
  });
  const [, , , toChromium, fromChromium] = child.stdio as [null, null, Readable, Writable, Readable];
  const pipe = createProtocolPipe(toChromium, fromChromium);

  const close = async (): Promise<void> => {
    pipe.close();
    const force = setTimeout(() => killGroup(child.pid), closeMs);
    await exited;
    clearTimeout(force);
    killGroup(child.pid);
  };
  try {
    await pipe.send('Browser.getVersion');
    const port = await Promise.race([listening, exited]);
    if (port === undefined) throw new Error('It ended by itself.');
    return { pipe, pid: child.pid ?? 0, debugAddress: `http://127.0.0.1:${port}`, close };
  } catch (thrown) {
    await close();
    throw new Error(`${executable} could not be started as the stand-in's Chromium:\n${errors}`, { cause: thrown });
  }
}

/** What is left of it: on POSIX the whole group. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}
