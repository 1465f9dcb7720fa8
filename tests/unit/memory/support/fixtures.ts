import { readFileSync } from 'node:fs';

/** A text that a tool printed; see the README beside the fixtures. */
export function fixture(file: string): string {
  return readFileSync(new URL(`../../../fixtures/memory-probes/${file}`, import.meta.url), 'utf8');
}

export const MIB = 2 ** 20;
