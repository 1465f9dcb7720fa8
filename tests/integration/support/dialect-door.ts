import { expect } from 'vitest';
import { startCorral, type TestCorral, type TestFolder } from './corral.ts';

export interface DialectDoor {
  readonly corral: TestCorral;
  /** Where the program's own clients go. */
  readonly address: string;
  get(route: string, headers?: Record<string, string>): Promise<Response>;
  post(route: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** Corral on another program's file, as `corral serve --config` takes it. The file says port 0. */
export async function openDoor(document: Record<string, unknown>, folder: TestFolder): Promise<DialectDoor> {
  const corral = await startCorral(document, { folder });
  const [door] = corral.engine.furtherListeners();
  expect(door, 'a listener of the dialect').toBeDefined();
  const address = door?.address ?? '';
  return {
    corral,
    address,
    get: (route, headers = {}) => fetch(`${address}${route}`, { headers }),
    post: (route, body, headers = {}) =>
      fetch(`${address}${route}`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
  };
}
