import { once } from 'node:events';
import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  createTestFolder,
  eventually,
  fakeModel,
  startCorral,
  type TestCorral,
  type TestFolder,
} from './support/corral.ts';
import { form, scaled } from './support/scale.ts';

let folder: TestFolder;
let corral: TestCorral;
beforeEach(async () => {
  folder = await createTestFolder();
});
afterEach(() => corral.stop());

const configFile = (): string => path.join(folder.path, 'config.yaml');

/** As an editor does it: a new file over the old one. */
async function save(config: Record<string, unknown> | string): Promise<void> {
  const draft = path.join(folder.path, 'config.draft');
  await writeFile(draft, typeof config === 'string' ? config : stringify(config));
  await rename(draft, configFile());
}

const ids = (): string[] => corral.engine.snapshot().models.map((model) => model.id);

describe('a configuration that changes while Corral runs', () => {
  it('C6 restarts only the model that changed; the stream of another one is untouched', async () => {
    const before = {
      memory: { maxLoaded: 2 },
      models: { a: fakeModel({ name: 'a', tokens: 25, tokenDelayMs: 40 }), b: fakeModel({ name: 'b' }) },
    };
    corral = await startCorral(before, { folder });
    await Promise.all(['a', 'b'].map((model) => corral.bridge.call('load-model', { model })));
    const pids = { a: corral.model('a').pid, b: corral.model('b').pid };
    const streaming = corral.chat('a');
    await eventually('a answers', () => corral.model('a').activeRequests === 1);
    await save({ ...before, models: { ...before.models, b: fakeModel({ name: 'new-b' }) } });
    await eventually('b has been ended', () => corral.model('b').pid !== pids.b, 2000);
    expect(corral.model('b').lastExit?.askedBy).toBe('changed settings');
    expect(await corral.chat('b')).toContain('new-b-token-1');
    expect(await streaming).toContain('a-token-25');
    expect(corral.model('a').pid).toBe(pids.a);
  });

  it('lets a running answer finish on the old process, and serves who comes meanwhile by the new one', async () => {
    corral = await startCorral({ models: { a: fakeModel({ name: 'old', tokens: 20, tokenDelayMs: 40 }) } }, { folder });
    await corral.bridge.call('load-model', { model: 'a' });
    const first = corral.chat('a');
    await eventually('a answers', () => corral.model('a').activeRequests === 1);
    await save({ models: { a: fakeModel({ name: 'new' }) } });
    await eventually('the change is in', () => corral.model('a').state === 'draining', 1500);
    const second = corral.chat('a');
    expect(await first).toContain('old-token-20');
    expect(await second).toContain('new-token-1');
  });

  it('applies what needs no restart without one, within a second', async () => {
    corral = await startCorral({ models: { a: fakeModel() } }, { folder });
    await corral.chat('a');
    const { pid } = corral.model('a');
    await save({ models: { a: fakeModel({}, { aliases: ['also-a'], ttl: '1h', pinned: true }) } });
    await eventually('the alias works', () => corral.model('a').aliases.includes('also-a'), 1000);
    expect(await corral.chat('also-a')).toContain('token');
    expect(corral.model('a')).toMatchObject({ pid, isPinned: true });
  });

  it('adds and removes models, and tells subscribers', async () => {
    corral = await startCorral({ models: { a: fakeModel(), b: fakeModel() } }, { folder });
    await corral.chat('b');
    const seen: string[][] = [];
    corral.bridge.subscribe({
      onUpdate: ({ snapshot }) => void seen.push(snapshot.models.map((model) => model.id)),
      onDisconnect: () => undefined,
    });
    await eventually('the first snapshot', () => seen.length > 0);
    await save({ models: { a: fakeModel(), c: fakeModel({ name: 'c' }) } });
    await eventually('the list is new', () => ids().join() === 'a,c', 1000);
    expect(await corral.chat('c')).toContain('c-token-1');
    expect((await corral.post('/v1/chat/completions', { model: 'b' })).status).toBe(404);
    await eventually('b is gone', async () => (await folder.liveProcesses()).length === 1);
    await eventually('subscribers know', () => seen.at(-1)?.join() === 'a,c');
  });

  it(`C3 keeps the last good one wherever the file is cut off, stops no model, and says so within a second ${form}`, async () => {
    // As JSON, every part of the file from its beginning is broken; block YAML that ends with a line may be whole.
    const text = JSON.stringify({ memory: { maxLoaded: 2 }, models: { a: fakeModel(), b: fakeModel() } });
    corral = await startCorral({ memory: { maxLoaded: 2 }, models: { a: fakeModel(), b: fakeModel() } }, { folder });
    await corral.chat('a');
    const { pid } = corral.model('a');
    const errorCount = (): number => corral.engine.snapshot().instance.configErrors.length;
    const every = Array.from({ length: text.length }, (_, length) => length);
    const lengths = scaled({ short: [0, 1, Math.floor(text.length / 2), text.length - 1], long: every });
    for (const length of lengths) {
      await save(text.slice(0, length));
      await eventually(`a file cut off after ${length} bytes is told`, () => errorCount() > 0, 1000);
      if (length > 0) expect(corral.engine.snapshot().instance.configErrors[0]?.message).toMatch(/line \d+|empty/);
      expect(ids()).toEqual(['a', 'b']);
      expect(corral.model('a')).toMatchObject({ pid, state: 'ready' });
      await save(text);
      await eventually('the error is gone', () => errorCount() === 0, 1000);
      expect(corral.model('a').pid).toBe(pid);
    }
    expect(corral.logLines.join('\n')).toMatch(/changed and is not in use/);
    await rm(configFile());
    await eventually(
      'a missing file is told',
      () => /does not exist/.test(corral.engine.snapshot().instance.configErrors[0]?.message ?? ''),
      1000,
    );
    expect(await corral.chat('a')).toContain('token');
    expect(corral.model('a').pid).toBe(pid);
  }, 600_000);

  it('C4 applies the last of 100 changes, by renames, edits and swapped links, within a second', async () => {
    const withAlias = (alias: string): string => JSON.stringify({ models: { a: fakeModel({}, { aliases: [alias] }) } });
    corral = await startCorral({ models: { a: fakeModel() } }, { folder });
    await corral.chat('a');
    const { pid } = corral.model('a');
    for (let turn = 1; turn <= 100; turn += 1) {
      if (turn % 3 === 0) await save(withAlias(`turn-${turn}`));
      else if (turn % 3 === 1) await writeFile(configFile(), withAlias(`turn-${turn}`));
      else {
        const target = path.join(folder.path, `linked-${turn}`);
        await writeFile(target, withAlias(`turn-${turn}`));
        await symlink(target, `${target}.link`);
        await rename(`${target}.link`, configFile());
      }
    }
    await eventually('the last one is in use', () => corral.model('a').aliases[0] === 'turn-100', 1000);
    expect(corral.model('a').pid).toBe(pid);
    expect(await corral.chat('turn-100')).toContain('token');
  });

  it('stays where it is if the new port is taken, and moves to one that is free, streams and all', async () => {
    const models = { a: fakeModel({ name: 'a', tokens: 20, tokenDelayMs: 40 }) };
    corral = await startCorral({ server: { port: 0 }, models }, { folder });
    await corral.bridge.call('load-model', { model: 'a' });
    const old = corral.engine.address();
    const holder = net.createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(holder, 'listening');
    const { port } = holder.address() as net.AddressInfo;
    await save({ server: { port }, models });
    const problem = (): string => corral.engine.snapshot().instance.configErrors[0]?.message ?? '';
    await eventually('the taken port is told', () => problem().includes(`Port ${port} on 127.0.0.1 is taken`), 4000);
    expect(corral.engine.address()).toBe(old);

    const streaming = corral.chat('a');
    await eventually('a answers', () => corral.model('a').activeRequests === 1);
    holder.close();
    await once(holder, 'close');
    await save({ server: { port }, log: { level: 'debug' }, models });
    await eventually('it has moved', () => corral.engine.address() === `http://127.0.0.1:${port}`, 1500);
    expect((await fetch(`${corral.engine.address()}/health`)).status).toBe(200);
    expect(await streaming).toContain('a-token-20');
    await expect(fetch(`${old}/health`)).rejects.toThrow();
  });

  it('is changed through the control API with its comments kept, but never what is run', async () => {
    corral = await startCorral({ models: { a: fakeModel() } }, { folder });
    await corral.chat('a');
    const { pid } = corral.model('a');
    const commented = `# mine, do not touch\n${await readFile(configFile(), 'utf8')}`;
    await save(commented);
    await corral.bridge.call('update-settings', { edits: [{ path: ['models', 'a', 'ttl'], value: '2h' }] });
    const saved = await readFile(configFile(), 'utf8');
    expect(saved).toContain('# mine, do not touch');
    expect(saved).toContain('ttl: 2h');
    expect(corral.model('a').pid).toBe(pid);
    for (const edit of [
      { path: ['models', 'a', 'command'], value: ['/bin/true'] },
      { path: ['models', 'a'], value: { command: ['/bin/true'] } },
      { path: ['engine', 'path'], value: '/bin/true' },
      { path: ['server', 'allowRemoteConfig'], value: true },
    ]) {
      await expect(corral.bridge.call('update-settings', { edits: [edit] })).rejects.toMatchObject({
        code: 'forbidden',
      });
    }
    await expect(
      corral.bridge.call('update-settings', { edits: [{ path: ['memory', 'maxLoaded'], value: -1 }] }),
    ).rejects.toMatchObject({ code: 'config-invalid' });
    expect(await readFile(configFile(), 'utf8')).toBe(saved);
  });
});
