import { mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openDownloads } from '../../../electron/engine/catalog/downloads/open-downloads.ts';
import { sha256, startHuggingFaceOrigin } from '../../fakes/hugging-face-origin.ts';
import { createTestFolder } from '../support/corral.ts';

it('D5 the disk is full in the middle → a clean error that says what to do', async () => {
  const bytes = Buffer.alloc(300_000, 7);
  const folder = await createTestFolder();
  const hub = await startHuggingFaceOrigin({ 'user/repo': { files: { 'm-Q4_K_M.gguf': bytes } } });
  const blobs = path.join(folder.path, 'hub', 'models--user--repo', 'blobs');
  await mkdir(blobs, { recursive: true });
  // The kernel's own disk without space.
  await symlink('/dev/full', path.join(blobs, `${sha256(bytes)}.incomplete`));
  const service = openDownloads({
    env: { HF_HUB_CACHE: path.join(folder.path, 'hub') },
    homeFolder: folder.path,
    dataFolder: folder.path,
    version: '0.0.0-test',
    logger: { log: () => undefined },
    origin: () => hub.url,
  });
  await expect(service.wait(service.start('user/repo').id)).rejects.toMatchObject({
    code: 'download-failed',
    details: { reason: 'disk-full' },
    message: expect.stringContaining('make room and resume') as string,
  });
  expect(service.list()).toMatchObject([{ state: 'failed' }]);
  expect(await readdir(blobs)).toEqual([]);
  await service.close();
  await hub.close();
  await folder.dispose();
});
