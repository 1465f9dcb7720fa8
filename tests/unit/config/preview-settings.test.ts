import { describe, expect, it } from 'vitest';
import type { ConfigEdit } from '../../../electron/engine/config/edit-config.ts';
import { parseConfig } from '../../../electron/engine/config/load-config.ts';
import { previewSettings, type PreviewOptions } from '../../../electron/engine/config/preview-settings.ts';
import { SECRET_MASK } from '#shared/contract/settings.ts';
import { AppError } from '../../../shared/contract/errors.ts';

const surroundings = { env: {}, homeFolder: '/home/me', platform: 'linux', filePath: '/etc/corral.yaml' } as const;
const file = `# mine
server:
  adminToken: canary-token # a secret
models:
  a:
    command: [a]
  b:
    command: [b]
    ttl: 5m
`;

function preview(edits: readonly ConfigEdit[], more: Partial<PreviewOptions> = {}) {
  const before = more.before ?? file;
  const parsed = parseConfig({ ...surroundings, text: before });
  return previewSettings({
    ...surroundings,
    before,
    edits,
    isUnlimited: true,
    current: parsed.ok ? parsed.config : undefined,
    override: (config) => config,
    isLoaded: (modelId) => modelId === 'a',
    ...more,
  });
}

const untouched = { restarts: [], added: [], removed: [], isListenerChanged: false };
const masked = file.replace('canary-token', `"${SECRET_MASK}"`);

describe('a preview of settings', () => {
  it('shows the file as it would be, and which processes would be replaced', () => {
    const shown = preview([
      { path: ['models', 'a', 'command'], value: ['other'] },
      { path: ['models', 'b', 'env'], value: { KEY_OF_B: 'canary-env' } },
      { path: ['models', 'c'], value: { command: ['c'] } },
    ]);
    expect(shown).toMatchObject({
      issues: [],
      restarts: [
        { model: 'a', isLoaded: true, reasons: ['command'] },
        { model: 'b', isLoaded: false, reasons: ['env'] },
      ],
      added: ['c'],
      removed: [],
      isListenerChanged: false,
    });
    expect(shown.text).toContain('# a secret');
    expect(shown.text).toContain('c:');
    expect(JSON.stringify(shown)).not.toContain('canary');
  });

  it('tells what needs no restart, what goes, and that the address changes', () => {
    expect(preview([{ path: ['models', 'b', 'ttl'], value: '1h' }])).toEqual({
      ...untouched,
      text: masked.replace('5m', '1h'),
      issues: [],
    });
    expect(preview([{ path: ['models', 'b'] }])).toMatchObject({ issues: [], removed: ['b'], restarts: [] });
    expect(preview([{ path: ['server', 'port'], value: 5600 }])).toMatchObject({ isListenerChanged: true });
  });

  it('says why a save would be refused, at the setting, without any value', () => {
    const shown = preview([{ path: ['models', 'b', 'ttl'], value: 'canary soon' }]);
    expect(shown).toMatchObject({ ...untouched, issues: [{ path: 'models.b.ttl' }] });
    expect(shown.issues[0]?.message).toMatch(/line \d+.*duration/);
    expect(JSON.stringify(shown.issues)).not.toContain('canary');
  });

  it.each<[string, ConfigEdit[], string]>([
    ['what only the owner may change', [{ path: ['models', 'a', 'command'], value: ['rm'] }], 'models.a.command'],
    ['a mask in place of a secret', [{ path: ['server', 'port'], value: SECRET_MASK }], 'server.port'],
  ])('refuses %s, and shows the file as it is', (_what, edits, path) => {
    const shown = preview(edits, { isUnlimited: false });
    expect(shown).toMatchObject({ ...untouched, text: masked });
    expect(shown.issues.map((issue) => issue.path)).toEqual([path]);
  });

  it('lets those who may change all do so, but not write a mask', () => {
    expect(preview([{ path: ['models', 'a', 'command'], value: ['rm'] }])).toMatchObject({ issues: [] });
    expect(preview([{ path: ['server', 'adminToken'], value: SECRET_MASK }]).issues).toHaveLength(1);
  });

  it('tells an edit that makes no sense, and a file that is broken already', () => {
    expect(preview([{ path: ['models', 'a', 'command', 'x', 'y'], value: 1 }])).toMatchObject({
      text: masked,
      issues: [{ path: '', message: expect.stringContaining('cannot be edited') as string }],
    });
    const broken = preview([{ path: ['server', 'port'], value: 1 }], { before: 'server:\n  adminToken: "canary\n' });
    expect(broken).toMatchObject(untouched);
    expect(broken.issues[0]?.message).toMatch(/^line \d/);
    expect(JSON.stringify(broken)).not.toContain('canary');
  });

  it('tells what stands against it above the file, such as an option of the command line', () => {
    const override = (): never => {
      throw new AppError('config-invalid', '--host needs a key.');
    };
    expect(preview([{ path: ['log', 'level'], value: 'debug' }], { override })).toMatchObject({
      ...untouched,
      issues: [{ path: '', message: '--host needs a key.' }],
    });
  });

  it('begins with a new file where there is none', () => {
    const shown = preview([{ path: ['models', 'c', 'command'], value: ['c'] }], {
      before: '# new\n',
      current: undefined,
    });
    expect(shown).toMatchObject({ issues: [], added: ['c'], text: '# new\nmodels:\n  c:\n    command: [c]\n' });
  });
});
