import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkGgufFile } from '../../../electron/engine/catalog/gguf-header.ts';

function header(version: number, isBigEndian = false): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.write('GGUF');
  if (isBigEndian) bytes.writeUInt32BE(version, 4);
  else bytes.writeUInt32LE(version, 4);
  return bytes;
}

describe('checkGgufFile', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corral-gguf-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it.each([2, 3])('accepts version %i', async (version) => {
    const file = path.join(folder, `v${version}.gguf`);
    await writeFile(file, header(version));
    await expect(checkGgufFile(file)).resolves.toBeUndefined();
  });

  it.each<[name: string, content: string | Buffer, message: RegExp]>([
    ['nothing in it', '', /is empty.*fetch it again/],
    ['a header cut off', header(3).subarray(0, 20), /cut off: it has 20 bytes/],
    ['version 1', header(1), /version 1.*newer conversion/],
    ['big endian', header(3, true), /big-endian/],
    ['a web page', '\n<!DOCTYPE html><html>', /not a GGUF.*web page/],
    ['an LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', /Git LFS pointer.*git lfs pull/],
    ['JSON', '{"error":"Invalid credentials"}', /JSON/],
    ['the format before', 'tjgg\u0003', /before GGUF/],
    ['a zip', 'PK\u0003\u0004', /archive: unpack/],
    ['anything else', Buffer.alloc(4096, 7), /safetensors/],
  ])('refuses %s', async (_, content, message) => {
    const file = path.join(folder, 'refused.gguf');
    await writeFile(file, content);
    await expect(checkGgufFile(file)).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringMatching(message) as string,
      details: { file },
    });
  });

  it('refuses a file that is not there, and a folder', async () => {
    await expect(checkGgufFile(path.join(folder, 'missing.gguf'))).rejects.toThrow(
      /missing\.gguf does not exist.*`file`/,
    );
    await mkdir(path.join(folder, 'models'));
    await expect(checkGgufFile(path.join(folder, 'models'))).rejects.toThrow(/models is a folder/);
  });
});
