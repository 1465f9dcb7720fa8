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

/** They start processes and look at latencies, so they have the machine to themselves. */
const timed = [
  'tests/integration/scorecard/**/*.test.ts',
  'tests/integration/{bad-input,fake-llama-server*,health,leftovers,lifecycle,live-config,memory-plan}*.test.ts',
  'tests/integration/{config-live,proxy-queue,proxy-streams,routing,security-malformed-http,supervision}*.test.ts',
  'tests/integration/{telemetry,waiting-comments}*.test.ts',
];
const processes = {
  globalSetup: ['tests/integration/support/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

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
          ...processes,
          name: 'integration',
          include: ['tests/{integration,contract,clients,e2e}/**/*.test.ts'],
          exclude: [...exclude, ...timed],
          // Most of them wait for processes most of the time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...processes,
          name: 'timed',
          include: timed,
          exclude,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
