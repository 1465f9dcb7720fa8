import { defineConfig } from 'vitest/config';

/**
 * Parts of the machine that some tests need, and how those tests are named. Leaving one out is an explicit choice
 * (`CORRAL_TEST_WITHOUT=llama-server`), and said at the end of the run by build/check.js.
 */
const parts: Readonly<Record<string, string>> = {
  'llama-server': 'tests/**/*.real*.test.ts',
  chromium: 'tests/**/*.browser*.test.ts',
};

const leftOut = (process.env['CORRAL_TEST_WITHOUT'] ?? '').split(',').filter((part) => part !== '');
for (const part of leftOut) {
  if (parts[part] === undefined)
    throw new Error(`CORRAL_TEST_WITHOUT names "${part}"; known: ${Object.keys(parts).join(', ')}`);
}
const exclude = [
  ...leftOut.map((part) => parts[part] ?? ''),
  ...(process.platform === 'win32' ? ['tests/**/*.posix.test.ts'] : []),
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.ts'],
          exclude,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['tests/{integration,contract,clients,e2e}/**/*.test.ts'],
          exclude,
          globalSetup: ['tests/integration/support/global-setup.ts'],
          // They start processes and look at latencies: one file at a time.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
