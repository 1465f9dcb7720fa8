import type { Page } from 'playwright';
import type { TestFolder } from '../integration/support/corral.ts';
import type { ControlName, ControlRequests } from '../fakes/electron/control-messages.ts';
import { createElectronDriver, findElectron } from './electron-driver.ts';
import { createStandInDriver } from './stand-in-driver.ts';

export interface LaunchOptions {
  /** Where everything that the app writes goes; whoever made it removes it. */
  readonly folder: TestFolder;
  /** The app's own arguments. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A desktop app that runs, and what a user and the desktop around it can do and see. */
export interface DesktopApp {
  readonly pid: number;
  /** Resolves with the exit code once the main process has ended. */
  readonly exited: Promise<number | null>;
  ask<Name extends ControlName>(
    name: Name,
    ...question: ControlRequests[Name]['question'] extends null ? [] : [ControlRequests[Name]['question']]
  ): Promise<ControlRequests[Name]['answer']>;
  /** The page of the app's window, once it shows one; after a crash the one that took its place. */
  page(): Promise<Page>;
  /**
   * Has a frame of the page call the main process as if it had got hold of Electron's IPC, which no frame but the top one
   * has. Resolves with what the handler answered.
   */
  invokeFromFrame(channel: string, args: readonly unknown[]): Promise<unknown>;
  /** Starts the app once more, and waits for that one to end. */
  launchSecond(args?: readonly string[]): Promise<{ readonly exitCode: number | null; readonly tookMs: number }>;
  /** What it wrote to its standard output and error. */
  output(): string;
  /** Ends what still runs, in whatever way is left. */
  dispose(): Promise<void>;
}

export interface DesktopDriver {
  /** As in "Desktop flows ran on: …". */
  readonly name: string;
  launch(options: LaunchOptions): Promise<DesktopApp>;
}

/** Real Electron where its binary is, else the stand-in. */
export async function selectDriver(): Promise<DesktopDriver> {
  const electron = await findElectron();
  return electron === undefined ? await createStandInDriver() : await createElectronDriver(electron);
}
