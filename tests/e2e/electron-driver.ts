import type { DesktopDriver } from './driver.ts';

export function findElectron(): Promise<string | undefined> {
  return Promise.resolve(undefined);
}

export function createElectronDriver(executable: string): Promise<DesktopDriver> {
  throw new Error(executable);
}
