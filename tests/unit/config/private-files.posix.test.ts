import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomically } from '../../../electron/engine/config/atomic-write.ts';
import {
  readInstanceFile,
  removeInstanceFile,
  writeInstanceFile,
} from '../../../electron/engine/config/instance-file.ts';
import { ensurePrivateFolder } from '../../../electron/engine/config/private-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('writeFileAtomically', () => {
  it('writes, replaces, keeps permissions, and leaves nothing else behind', async () => {
    const path = join(folder, 'a.txt');
    await writeFileAtomically(path, 'one', { mode: 0o640 });
    expect(await modeOf(path)).toBe(0o640);
    await writeFileAtomically(path, Buffer.from('two'));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await modeOf(path)).toBe(0o640);
    await writeFileAtomically(path, 'three', { mode: 0o600 });
    expect(await modeOf(path)).toBe(0o600);
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('writes through a symbolic link', async () => {
    await writeFile(join(folder, 'real'), 'old');
    await symlink('real', join(folder, 'link'));
    await writeFileAtomically(join(folder, 'link'), 'new');
    expect(await readlink(join(folder, 'link'))).toBe('real');
    expect(await readFile(join(folder, 'real'), 'utf8')).toBe('new');
  });

  it('removes its temporary file when it fails', async () => {
    await mkdir(join(folder, 'taken'));
    await expect(writeFileAtomically(join(folder, 'taken'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readdir(folder)).toEqual(['taken']);
    await expect(writeFileAtomically(join(folder, 'no', 'x'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('never shows half a file to a reader', async () => {
    const path = join(folder, 'big');
    const contents = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
    await writeFileAtomically(path, contents[0]!);
    let isWriting = true;
    const writer = (async () => {
      for (let round = 0; round < 20; round += 1) await writeFileAtomically(path, contents[round % 2]!);
      isWriting = false;
    })();
    while (isWriting) expect(contents.includes(await readFile(path, 'utf8'))).toBe(true);
    await writer;
  });
});

describe('the instance file', () => {
  const instance = { pid: 42, address: 'http://127.0.0.1:5526', token: 'secret', startedAt: 1_700_000_000_000 };

  it('is private, read back, and removed', async () => {
    expect(await readInstanceFile(folder)).toBeUndefined();
    await writeInstanceFile(folder, instance);
    expect(await modeOf(join(folder, 'instance.json'))).toBe(0o600);
    expect(await readInstanceFile(folder)).toEqual(instance);
    await removeInstanceFile(folder);
    await removeInstanceFile(folder);
    expect(await readInstanceFile(folder)).toBeUndefined();
  });

  it.each(['', 'not json', '{}', '{"pid":0}', JSON.stringify({ ...instance, address: 'file:///etc/passwd' })])(
    'refuses %j',
    async (text) => {
      await writeFile(join(folder, 'instance.json'), text);
      await expect(readInstanceFile(folder)).rejects.toMatchObject({ code: 'conflict' });
    },
  );
});

describe('ensurePrivateFolder', () => {
  it('makes a folder, and closes one that is open to others', async () => {
    const path = join(folder, 'a', 'b');
    await ensurePrivateFolder(path);
    expect(await modeOf(path)).toBe(0o700);
    await chmod(path, 0o755);
    await writeFile(join(path, 'kept'), '');
    await ensurePrivateFolder(path);
    expect(await modeOf(path)).toBe(0o700);
    expect(await readdir(path)).toEqual(['kept']);
  });

  it('refuses a link, and what is no folder', async () => {
    await mkdir(join(folder, 'real'));
    await symlink('real', join(folder, 'link'));
    await writeFile(join(folder, 'file'), '');
    await expect(ensurePrivateFolder(join(folder, 'link'))).rejects.toThrow(/symbolic link/);
    await expect(ensurePrivateFolder(join(folder, 'file'))).rejects.toThrow(/not a folder/);
  });

  it('refuses a folder of somebody else', async () => {
    // Only root can give a folder away; anybody else meets one of root's.
    const isRoot = process.getuid?.() === 0;
    const foreign = isRoot ? join(folder, 'foreign') : '/usr';
    if (isRoot) {
      await mkdir(foreign);
      await chown(foreign, 65_534, 65_534);
    }
    await expect(ensurePrivateFolder(foreign)).rejects.toThrow(/belongs to another user/);
  });
});
