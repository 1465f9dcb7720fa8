import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

interface CruiseResult {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cruiser = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** The import rules, run on a small tree that breaks each of them once. A rule that finds nothing protects nothing. */
async function findViolations(): Promise<string[]> {
  const args = [cruiser, '--config', '.dependency-cruiser.js', '--output-type', 'json', 'tests/fixtures/layers'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 2 ** 24 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const { summary } = JSON.parse(stdout) as CruiseResult;
  return summary.violations.map(({ from, rule }) => `${rule.name}: ${from.replace('tests/fixtures/layers/', '')}`);
}

describe('the import rules', () => {
  it('find every deliberate violation', async () => {
    const violations = await findViolations();
    for (const expected of [
      'engine-never-reaches-electron: electron/engine/c.ts',
      'engine-never-reaches-electron: electron/engine/b.ts',
      // Two hops away.
      'engine-never-reaches-electron: electron/engine/a.ts',
      'engine-imports-shared-and-libraries: electron/engine/upward.ts',
      'pure-files-stay-pure: electron/engine/scheduler/decide.ts',
      'api-imports-the-engine-facade: electron/api/handler.ts',
      'nobody-imports-a-composition-root: electron/api/composes.ts',
      'headless-never-reaches-electron: electron/headless.ts',
      'shell-imports-api-and-shared: electron/shell/reads.ts',
      'only-composition-roots-compose: electron/shell/composes.ts',
      'only-the-shell-imports-electron: renderer/features/herd/herd.ts',
      'preload-is-a-mapping: electron/preload.ts',
      'shared-imports-itself-and-zod: shared/reads.ts',
      'renderer-imports-shared: renderer/features/herd/herd.ts',
      'features-are-apart: renderer/features/herd/herd.ts',
    ]) {
      expect(violations).toContain(expected);
    }
  });
});
