import { afterEach } from 'vitest';
import { startCorral, type TestCorral } from './corral.ts';

export interface CorralsOfTest {
  start(config: Record<string, unknown>): Promise<TestCorral>;
  /** Those that are stopped after the test. */
  readonly corrals: TestCorral[];
  /** What is ended after them, the newest first. */
  readonly cleanups: (() => Promise<unknown>)[];
}

/** For tests of several Corrals and of what they point at. */
export function useCorrals(): CorralsOfTest {
  const corrals: TestCorral[] = [];
  const cleanups: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    // Those that point at others end first.
    for (const corral of corrals.splice(0).reverse()) await corral.stop();
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  return {
    corrals,
    cleanups,
    async start(config) {
      const corral = await startCorral(config);
      corrals.push(corral);
      return corral;
    },
  };
}
