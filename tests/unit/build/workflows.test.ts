import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = path.join(root, '.github', 'workflows');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly 'timeout-minutes'?: number;
        readonly permissions?: Readonly<Record<string, string>>;
        readonly strategy?: { readonly matrix: { readonly include: readonly { readonly runner: string }[] } };
        readonly steps: readonly Step[];
      }
    >
  >;
}

const read = (name: string): Workflow => parse(readFileSync(path.join(folder, name), 'utf8')) as Workflow;
const stepsOf = (workflow: Workflow): Step[] => Object.values(workflow.jobs).flatMap(({ steps }) => steps);
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

describe.each(readdirSync(folder))('%s', (name) => {
  const workflow = read(name);

  test('runs only scripts that are in package.json', () => {
    const called = stepsOf(workflow).flatMap(({ run = '' }) =>
      [...run.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map(([, script, short]) => script ?? short ?? ''),
    );
    expect(called.length).toBeGreaterThan(0);
    expect(called.filter((script) => scripts[script] === undefined)).toEqual([]);
  });

  test('pins its actions to a major version', () => {
    const used = stepsOf(workflow).flatMap(({ uses }) => uses ?? []);
    expect(used.filter((action) => !/^actions\/[\w-]+@v\d+$/.test(action))).toEqual([]);
  });

  test('may read, ends in time, and has each step do one thing', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
    for (const { uses, run } of stepsOf(workflow)) expect((uses === undefined) !== (run === undefined)).toBe(true);
  });
});

describe('a release', () => {
  const release = read('release.yml');
  const { build, release: draft } = release.jobs;
  const commands = (build?.steps ?? []).map(({ run = '' }) => run);
  const at = (text: string): number => commands.findIndex((command) => command.includes(text));

  test('begins with a tag, on three systems', () => {
    expect(release.on).toEqual({ push: { tags: ['v*'] } });
    const systems = build?.strategy?.matrix.include.map(({ runner }) => runner.split('-')[0]);
    expect(systems?.toSorted()).toEqual(['macos', 'ubuntu', 'windows']);
  });

  test('is tested before it is built, and started before it is attached', () => {
    const attached = (build?.steps ?? []).findIndex(({ uses }) => uses?.startsWith('actions/upload-artifact') === true);
    const order = [at('npm test'), at('npm run test:e2e'), at('npm run dist'), at('npm run test:packaged'), attached];
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((left, right) => left - right));
  });

  test('only the job that drafts it may write, and it runs nothing of the repository', () => {
    expect(build?.permissions).toBeUndefined();
    expect(draft?.permissions).toEqual({ contents: 'write' });
    expect(
      draft?.steps.some(({ uses, run = '' }) => uses?.startsWith('actions/checkout') === true || /npm|node/.test(run)),
    ).toBe(false);
    const text = draft?.steps.map(({ run }) => run).join('\n');
    expect(text).toContain('SHA256SUMS');
    expect(text).toContain('--draft');
  });
});
