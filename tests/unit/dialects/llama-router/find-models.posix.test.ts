import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findModels } from '../../../../electron/engine/dialects/llama-router/find-models.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'corral-find-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('looking for models in a cache of links', () => {
  it('takes a file once, however it is reached', async () => {
    await mkdir(path.join(folder, 'blobs'));
    await mkdir(path.join(folder, 'snapshots'));
    await writeFile(path.join(folder, 'blobs', 'x.gguf'), '');
    await symlink('../blobs/x.gguf', path.join(folder, 'snapshots', 'y.gguf'));
    await symlink('../blobs/gone.gguf', path.join(folder, 'snapshots', 'z.gguf'));
    await symlink('..', path.join(folder, 'snapshots', 'circle'));
    expect((await findModels([folder, folder])).models.map(({ name }) => name)).toEqual(['x.gguf']);
  });
});
