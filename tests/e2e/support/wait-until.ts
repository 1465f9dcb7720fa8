import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `find` finds something, and gives it; fails with `what` and the last failure after `timeoutMs`. */
export async function waitUntil<Found>(
  what: string,
  find: () => Promise<Found | undefined> | Found | undefined,
  timeoutMs = 30_000,
): Promise<NonNullable<Found>> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(25);
  }
}
