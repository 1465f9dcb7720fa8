import * as realFs from 'node:fs/promises';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConfigEdit } from '../../../electron/engine/config/edit-config.ts';
import { loadConfig, type ConfigResult } from '../../../electron/engine/config/load-config.ts';
import { saveConfig } from '../../../electron/engine/config/save-config.ts';

/** Every call that reaches the disk goes through here, so that a test can see it, fail it, or stop the world before it. */
const disk = vi.hoisted(() => ({
  calls: [] as string[],
  before: undefined as ((call: string, index: number) => Promise<void>) | undefined,
}));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof realFs>();
  const watched = async <Result>(call: string, action: () => Promise<Result>): Promise<Result> => {
    const index = disk.calls.push(call) - 1;
    await disk.before?.(call, index);
    return action();
  };
  type AnyAction = (...given: unknown[]) => Promise<unknown>;
  const wrapHandle = (handle: realFs.FileHandle, path: string): realFs.FileHandle =>
    new Proxy(handle, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const action = (value as AnyAction).bind(target);
        return async (...given: unknown[]) => {
          if (name !== 'close') return watched(`${String(name)} ${path}`, () => action(...given));
          // A file that could not be closed properly is closed all the same.
          await action();
          return watched(`close ${path}`, () => Promise.resolve());
        };
      },
    });
  const wrapped: Record<string, unknown> = { ...original };
  for (const name of ['access', 'lstat', 'mkdir', 'realpath', 'rename', 'rm', 'stat'] as const) {
    const action = original[name] as AnyAction;
    wrapped[name] = (...given: unknown[]) => watched(`${name} ${String(given[0])}`, () => action(...given));
  }
  wrapped['open'] = (...given: Parameters<typeof original.open>) =>
    watched(`open ${String(given[0])} ${String(given[1])}`, async () =>
      wrapHandle(await original.open(...given), String(given[0])),
    );
  return { ...wrapped, default: wrapped };
});

const surroundings = { env: {}, homeFolder: '/home/ann', platform: 'linux' } as const;
const oldText = '# mine\nserver:\n  port: 1 # p\nmodels:\n  a: { command: a }\n';
const newText = oldText.replace('port: 1', 'port: 2');
const edits: ConfigEdit[] = [{ path: ['server', 'port'], value: 2 }];

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-save-'));
  file = join(folder, 'config.yaml');
  await writeFile(file, oldText, { mode: 0o640 });
  disk.calls.length = 0;
});
afterEach(async () => {
  disk.before = undefined;
  await rm(folder, { recursive: true });
});

function save(more: Partial<Parameters<typeof saveConfig>[0]> = {}): Promise<ConfigResult> {
  return saveConfig({ ...surroundings, filePath: file, edits, ...more });
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

describe('saveConfig', () => {
  it('writes the edit, keeps what was before, and the permissions of both', async () => {
    const result = await save();
    expect(result).toMatchObject({ ok: true, config: { server: { port: 2 } } });
    expect(await readFile(file, 'utf8')).toBe(newText);
    expect(await readFile(`${file}.previous`, 'utf8')).toBe(oldText);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect((await stat(`${file}.previous`)).mode & 0o777).toBe(0o640);
    await save({ edits: [{ path: ['server', 'port'], value: 3 }] });
    expect(await readFile(`${file}.previous`, 'utf8')).toBe(newText);
    expect((await readdir(folder)).sort()).toEqual(['config.yaml', 'config.yaml.previous']);
  });

  it('C2 syncs the content before each rename, and the folder after it', async () => {
    await save();
    const steps = disk.calls.map((call) => call.replace(/\.[0-9a-f]{12}\.tmp/, '.tmp').replaceAll(folder, ''));
    const ofWrites = steps.filter((call) => /^(writeFile|sync|rename)|tmp wx/.test(call));
    expect(ofWrites).toEqual([
      'open /.config.yaml.previous.tmp wx',
      'writeFile /.config.yaml.previous.tmp',
      'sync /.config.yaml.previous.tmp',
      'rename /.config.yaml.previous.tmp',
      'sync ',
      'open /.config.yaml.tmp wx',
      'writeFile /.config.yaml.tmp',
      'sync /.config.yaml.tmp',
      'rename /.config.yaml.tmp',
      'sync ',
    ]);
  });

  it('C1 leaves the old or the new file, and a loadable one, if it stops before any one operation', async () => {
    let isOver = false;
    let sawOld = 0;
    let sawNew = 0;
    for (let stopAt = 0; !isOver; stopAt += 1) {
      expect(stopAt).toBeLessThan(100);
      // Another file each time: a save that has stopped for ever holds up the next one of its path.
      const path = join(folder, `c${stopAt}.yaml`);
      await writeFile(path, oldText);
      disk.calls.length = 0;
      let release = (): void => undefined;
      const stopped = new Promise<'stopped'>((resolve) => {
        disk.before = (_call, index) =>
          index < stopAt
            ? Promise.resolve()
            : new Promise((_resume, reject) => {
                release = () => reject(systemError('ECANCELED'));
                resolve('stopped');
              });
      });
      const saving = save({ filePath: path });
      const outcome = await Promise.race([saving, stopped]);
      disk.before = undefined;
      isOver = outcome !== 'stopped';
      const text = await readFile(path, 'utf8');
      if (text === oldText) sawOld += 1;
      else if (text === newText) sawNew += 1;
      else expect.unreachable(`stopped before operation ${stopAt}: ${JSON.stringify(text)}`);
      expect(await loadConfig({ ...surroundings, filePath: path, isExplicit: true })).toMatchObject({ ok: true });
      const previous = await readFile(`${path}.previous`, 'utf8').catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ENOENT' });
        return oldText;
      });
      expect(previous).toBe(oldText);
      // The world goes on, so that what is open gets closed.
      release();
      await Promise.allSettled([saving]);
    }
    expect(sawOld).toBeGreaterThan(10);
    expect(sawNew).toBeGreaterThan(2);
  });

  it.each(['ENOSPC', 'EPERM', 'EACCES', 'EIO', 'EDQUOT', 'EROFS'])(
    'C5 leaves the file as it was and no temporary one when any operation fails with %s',
    async (code) => {
      let failures = 0;
      for (let failAt = 0; ; failAt += 1) {
        await writeFile(file, oldText);
        await rm(`${file}.previous`, { force: true });
        const failedAt: number[] = [];
        disk.calls.length = 0;
        disk.before = async (_call, index) => {
          await Promise.resolve();
          if (index !== failAt) return;
          failedAt.push(index);
          throw systemError(code);
        };
        let failure: unknown;
        const result = await save().catch((error: unknown) => {
          failure = error;
          return undefined;
        });
        disk.before = undefined;
        const hasFailed = failedAt.length > 0;
        const failed = hasFailed ? (disk.calls[failAt] ?? '') : 'nothing';
        const text = await readFile(file, 'utf8');
        expect(
          (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
          failed,
        ).toEqual([]);
        if (!hasFailed) {
          expect(result?.ok).toBe(true);
          break;
        }
        if (result === undefined) {
          failures += 1;
          const reason = text === oldText ? code : 'unconfirmed';
          expect(failure, failed).toMatchObject({ code: 'conflict', details: { reason } });
          // Once it is renamed, only the folder is left to sync.
          if (text !== oldText) expect([newText, failed]).toEqual([text, expect.stringContaining(folder)]);
        } else {
          // Some file systems cannot sync a folder, which is no failure.
          expect(text, failed).toBe(newText);
        }
      }
      expect(failures).toBeGreaterThan(10);
    },
  );

  it('writes nothing that would not load, and says why', async () => {
    const result = await save({ edits: [{ path: ['server', 'port'], value: 'no' }] });
    expect(result).toMatchObject({ ok: false, errors: [{ path: 'server.port', line: 3 }] });
    const unknown = await save({ edits: [{ path: ['server', 'prot'], value: 1 }] });
    expect(unknown.ok).toBe(false);
    expect(await readdir(folder)).toEqual(['config.yaml']);
    expect(await readFile(file, 'utf8')).toBe(oldText);
  });

  it('may repair a file that does not load, but not one that is not YAML', async () => {
    await writeFile(file, 'server: { port: x }\n');
    expect((await save()).ok).toBe(true);
    expect(await readFile(file, 'utf8')).toBe('server: { port: 2 }\n');
    await writeFile(file, 'server: { port: "\n');
    expect((await save()).ok).toBe(false);
    await writeFile(file, Buffer.from([0xff, 0xfe, 0x80]));
    expect(await save()).toMatchObject({ ok: false, errors: [{ path: '' }] });
  });

  it('does not touch a file that would not change', async () => {
    expect((await save({ edits: [{ path: ['server', 'port'], value: 1 }] })).ok).toBe(true);
    expect(await readdir(folder)).toEqual(['config.yaml']);
  });

  it('refuses when another program changed, made or removed the file in the meantime', async () => {
    const interfere = async (action: () => Promise<void>, path = file): Promise<void> => {
      let isDone = false;
      disk.before = async (call) => {
        // Between the first reading and the writing.
        if (isDone || !/^mkdir |^realpath .*previous$/.test(call)) return;
        isDone = true;
        await action();
      };
      await expect(save({ filePath: path })).rejects.toMatchObject({
        code: 'conflict',
        details: { reason: 'changed' },
      });
      disk.before = undefined;
      expect(isDone).toBe(true);
    };
    await interfere(() => writeFile(file, 'log: {}\n'));
    expect(await readFile(file, 'utf8')).toBe('log: {}\n');
    await writeFile(file, oldText);
    await interfere(() => rm(file));
    expect(await readdir(folder)).toEqual(['config.yaml.previous']);
    const other = join(folder, 'sub', 'new.yaml');
    await interfere(async () => {
      await mkdir(join(folder, 'sub'));
      await writeFile(other, 'log: {}\n');
    }, other);
    expect(await readFile(other, 'utf8')).toBe('log: {}\n');
  });

  it('does not lose edits that come at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        save({ edits: [{ path: ['models', `m${index}`, 'command'], value: 'x' }] }),
      ),
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
    const loaded = await loadConfig({ ...surroundings, filePath: file, isExplicit: true });
    expect(loaded.ok && loaded.config.models.size).toBe(11);
  });

  it('goes on after a save that failed', async () => {
    const failing = save({ edits: [{ path: [], value: 1 }] });
    const next = save();
    await expect(failing).rejects.toMatchObject({ code: 'invalid-request' });
    expect((await next).ok).toBe(true);
  });

  it('writes through a symbolic link, and refuses one that leads nowhere', async () => {
    await mkdir(join(folder, 'links'));
    const link = join(folder, 'links', 'config.yaml');
    await symlink('../config.yaml', link);
    await save({ filePath: link });
    expect(await readFile(file, 'utf8')).toBe(newText);
    expect((await realFs.lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(`${link}.previous`, 'utf8')).toBe(oldText);

    await rm(file);
    await expect(save({ filePath: link })).rejects.toMatchObject({ code: 'conflict', details: { reason: 'ENOENT' } });
    expect((await realFs.lstat(link)).isSymbolicLink()).toBe(true);
  });

  it('makes the file with its folders, private, with the schema only if there is one', async () => {
    const made = join(folder, 'x', 'y', 'config.yaml');
    expect((await save({ filePath: made, schemaPath: './corral.schema.json' })).ok).toBe(true);
    expect(await readFile(made, 'utf8')).toBe(
      '# yaml-language-server: $schema=./corral.schema.json\n# Configuration of Corral. Changes take effect while it runs.\nserver:\n  port: 2\n',
    );
    expect((await stat(made)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'x'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'x', 'y'))).toEqual(['config.yaml']);
    const plain = join(folder, 'plain.yaml');
    await save({ filePath: plain });
    expect(await readFile(plain, 'utf8')).toMatch(/^# Configuration of Corral/);
    const json = join(folder, 'c.json');
    await save({ filePath: json });
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual({ server: { port: 2 } });
  });

  it('refuses what is not a file without reading it, and respects a read-only one', async () => {
    await expect(save({ filePath: folder })).rejects.toMatchObject({ details: { reason: 'special' } });
    await expect(save({ filePath: '/dev/null' })).rejects.toMatchObject({ details: { reason: 'special' } });
    await expect(save({ filePath: join(file, 'x') })).rejects.toMatchObject({ details: { reason: 'ENOTDIR' } });
    await chmod(file, 0o440);
    // The superuser may write it all the same.
    if (process.getuid?.() !== 0) await expect(save()).rejects.toMatchObject({ details: { reason: 'EACCES' } });
    else expect((await save()).ok).toBe(true);
  });

  it('stops before it writes when the signal says so', async () => {
    const stop = new AbortController();
    disk.before = (call) => {
      if (call.startsWith('access ')) stop.abort(new Error('enough'));
      return Promise.resolve();
    };
    await expect(save({ signal: stop.signal })).rejects.toThrow('enough');
    expect(await readFile(file, 'utf8')).toBe(oldText);
  });
});
