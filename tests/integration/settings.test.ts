import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCommandHandlers, runCommand } from '../../electron/api/command-handlers.ts';
import { createLiveConfig } from '../../electron/engine/config/live-config.ts';
import { systemClock } from '../../electron/engine/ports/clock.ts';
import { SECRET_MASK, type SettingEdit } from '#shared/contract/settings.ts';
import { createTestFolder, eventually, fakeModel, startCorral, type TestCorral } from './support/corral.ts';

const SECRETS = ['canary-client-key', 'canary-admin-token', 'canary-env-secret', 'canary-pool-key'] as const;
const [CLIENT_KEY, ADMIN_TOKEN, ENV_SECRET, POOL_KEY] = SECRETS;

let corral: TestCorral;
afterEach(() => corral.stop());

const config = (server: Record<string, unknown> = {}): Record<string, unknown> => ({
  server: { apiKeys: [{ name: 'laptop', key: CLIENT_KEY }], adminToken: ADMIN_TOKEN, ...server },
  pools: { lab: { endpoints: [{ url: 'http://127.0.0.1:9', apiKey: POOL_KEY }] } },
  models: { a: fakeModel({ name: 'a' }, { env: { SERVICE: ENV_SECRET } }), b: fakeModel({ name: 'b' }) },
});

const file = (): string => path.join(corral.folder.path, 'config.yaml');
const asOwner = (name: 'read-settings' | 'preview-settings' | 'update-settings', request: unknown): Promise<unknown> =>
  runCommand(createCommandHandlers(corral.engine, { isOwner: true }), name, request, new AbortController().signal);

const newCommand: SettingEdit[] = [{ path: ['models', 'b', 'command'], value: ['node', 'other.mjs'] }];

describe('settings over HTTP', () => {
  beforeEach(async () => {
    corral = await startCorral(config());
  });

  it('are shown with what a form needs, and without a secret', async () => {
    const settings = await corral.bridge.call('read-settings', {});
    expect(settings).toMatchObject({
      filePath: file(),
      exists: true,
      values: { server: { adminToken: SECRET_MASK, apiKeys: [{ name: 'laptop', key: SECRET_MASK }] } },
      schema: { properties: { server: { properties: { port: { default: 5526 } } } } },
    });
    expect(settings.openPaths).toContain('models.*.ttl');
    expect(settings.openPaths).not.toContain('models.*.command');
    expect(settings.inactivePaths).toContain('telemetry.capture');
    expect(settings.lanAddresses.every((address) => /^\d+(\.\d+){3}$/.test(address))).toBe(true);
    expect(settings.lanAddresses).not.toContain('127.0.0.1');
    for (const secret of SECRETS) expect(JSON.stringify(settings)).not.toContain(secret);
  });

  it('can be tried without any effect', async () => {
    await corral.bridge.call('load-model', { model: 'b' });
    const before = await readFile(file(), 'utf8');
    const { pid } = corral.model('b');
    const preview = await corral.bridge.call('preview-settings', {
      edits: [
        { path: ['models', 'b', 'parallel'], value: 2 },
        { path: ['server', 'port'], value: 0 },
        { path: ['models', 'b', 'ttl'], value: '1h' },
      ],
    });
    // `parallel` means nothing to a command, so the whole would not load.
    expect(preview.issues).toMatchObject([{ path: 'models.b.parallel' }]);
    const good = await corral.bridge.call('preview-settings', {
      edits: [{ path: ['models', 'b', 'ttl'], value: '1h' }],
    });
    expect(good).toMatchObject({ issues: [], restarts: [], added: [], removed: [], isListenerChanged: false });
    expect(good.text).toContain('ttl: 1h');
    for (const secret of SECRETS) expect(JSON.stringify([preview, good])).not.toContain(secret);
    expect(await readFile(file(), 'utf8')).toBe(before);
    expect((await readdir(corral.folder.path)).filter((name) => name.includes('previous'))).toEqual([]);
    expect(corral.model('b')).toMatchObject({ pid, state: 'ready' });
  });

  it('that say what is run are refused: a preview lists them, a save fails', async () => {
    const before = await readFile(file(), 'utf8');
    const preview = await corral.bridge.call('preview-settings', { edits: newCommand });
    expect(preview).toMatchObject({ issues: [{ path: 'models.b.command' }], restarts: [] });
    expect(preview.text).not.toContain('other.mjs');
    await expect(corral.bridge.call('update-settings', { edits: newCommand })).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(await readFile(file(), 'utf8')).toBe(before);
  });

  it('never take a mask for a secret, and never answer with one', async () => {
    const before = await readFile(file(), 'utf8');
    for (const edit of [
      { path: ['log', 'level'], value: SECRET_MASK },
      { path: ['models', 'b', 'aliases'], value: ['x', SECRET_MASK] },
    ]) {
      await expect(corral.bridge.call('update-settings', { edits: [edit] })).rejects.toMatchObject({
        code: 'invalid-request',
        message: expect.stringContaining('only stands for a secret') as string,
      });
      expect((await corral.bridge.call('preview-settings', { edits: [edit] })).issues).not.toEqual([]);
    }
    expect(await readFile(file(), 'utf8')).toBe(before);
  });

  it('of a file that was broken meanwhile are shown as text, still without a secret', async () => {
    await writeFile(file(), `server:\n  adminToken: "${ADMIN_TOKEN}\n  apiKeys:\n    - key: ${CLIENT_KEY}\n`);
    const settings = await corral.bridge.call('read-settings', {});
    expect(settings).toMatchObject({ exists: true, values: null });
    expect(settings.text).toContain('server:');
    const preview = await corral.bridge.call('preview-settings', {
      edits: [{ path: ['log', 'level'], value: 'debug' }],
    });
    expect(preview.issues[0]?.message).toMatch(/^line \d/);
    for (const secret of SECRETS) expect(JSON.stringify([settings, preview])).not.toContain(secret);
  });

  it('of a file that is gone say so, and a preview begins anew', async () => {
    await rm(file());
    expect(await corral.bridge.call('read-settings', {})).toMatchObject({ exists: false, text: '', values: {} });
    const { text } = await corral.bridge.call('preview-settings', {
      edits: [{ path: ['log', 'level'], value: 'debug' }],
    });
    expect(text).toContain('level: debug');
  });

  it('that cannot be read are a conflict that names the file', async () => {
    await writeFile(file(), Buffer.from([0xff, 0xfe, 0x00]));
    for (const call of [
      corral.bridge.call('read-settings', {}),
      corral.bridge.call('preview-settings', { edits: [{ path: ['log', 'level'], value: 'debug' }] }),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('config.yaml') as string,
      });
    }
  });
});

describe('settings at the desktop’s own window', () => {
  beforeEach(async () => {
    corral = await startCorral(config());
  });

  it('are all open to the owner, secrets hidden even so', async () => {
    const settings = await asOwner('read-settings', {});
    expect(settings).toMatchObject({ openPaths: null, values: { server: { adminToken: SECRET_MASK } } });
    for (const secret of SECRETS) expect(JSON.stringify(settings)).not.toContain(secret);
  });

  it('change what is run, and the preview said which process that replaces', async () => {
    await corral.bridge.call('load-model', { model: 'b' });
    const { command } = fakeModel({ name: 'new-b' });
    const edits = [{ path: ['models', 'b', 'command'], value: command }];
    expect(await asOwner('preview-settings', { edits })).toMatchObject({
      issues: [],
      restarts: [{ model: 'b', isLoaded: true, reasons: ['command'] }],
    });
    await asOwner('update-settings', { edits });
    expect(await corral.chat('b')).toContain('new-b-token-1');
    await eventually('the old one is gone', () => corral.model('b').lastExit?.askedBy === 'changed settings');
  });

  it('take a new secret, and keep the others', async () => {
    const edits = [{ path: ['server', 'adminToken'], value: 'canary-new-token' }];
    expect(JSON.stringify(await asOwner('preview-settings', { edits }))).not.toContain('canary');
    await asOwner('update-settings', { edits });
    expect(await readFile(file(), 'utf8')).toContain('canary-new-token');
    expect(await readFile(file(), 'utf8')).toContain(CLIENT_KEY);
  });

  it('refuse a mask there, too', async () => {
    const edits = [{ path: ['server', 'adminToken'], value: SECRET_MASK }];
    await expect(asOwner('update-settings', { edits })).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await readFile(file(), 'utf8')).toContain(ADMIN_TOKEN);
  });
});

describe('settings where the file allows it', () => {
  it('are open over HTTP, and a preview says what a save then does', async () => {
    corral = await startCorral(config({ allowRemoteConfig: true }));
    expect((await corral.bridge.call('read-settings', {})).openPaths).toBeNull();
    expect(await corral.bridge.call('preview-settings', { edits: newCommand })).toMatchObject({
      issues: [],
      restarts: [{ model: 'b', isLoaded: false, reasons: ['command'] }],
    });
  });
});

describe('settings without a file', () => {
  it('say where it would be made, and make it', async () => {
    corral = await startCorral({});
    const folder = await createTestFolder();
    const filePath = path.join(folder.path, 'new', 'config.yaml');
    const live = createLiveConfig({
      filePath,
      isExplicit: false,
      env: {},
      homeFolder: folder.path,
      platform: process.platform,
      clock: systemClock,
      logger: { log: () => undefined },
      override: (loaded) => loaded,
    });
    try {
      await live.load();
      const caller = { isOwner: true, isLoaded: () => false };
      expect(await live.readSettings(caller)).toMatchObject({ filePath, exists: false, text: '', values: {} });
      const edits = [{ path: ['models', 'a', 'command'], value: ['node', 'a.mjs'] }];
      const preview = await live.previewSettings(edits, caller);
      expect(preview).toMatchObject({ issues: [], added: ['a'] });
      expect((await live.readSettings(caller)).exists).toBe(false);
      await live.updateSettings(edits, caller);
      expect(await readFile(filePath, 'utf8')).toBe(preview.text);
    } finally {
      await live.close();
      await folder.dispose();
    }
  });
});
