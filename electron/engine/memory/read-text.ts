import { open } from 'node:fs/promises';

/** Files of /proc and /sys are small; anything larger is not what it should be. */
const MAX_FILE_BYTES = 256 * 1024;

/**
 * The text of a small file of the system. Undefined if there is none, or it is not for us: gone meanwhile, another user's,
 * or refused by the driver (a GPU that is asleep answers EIO, EBUSY, ENODEV or EINVAL). Throws what else goes wrong.
 */
export async function readTextIfAny(file: string): Promise<string | undefined> {
  return (await readBytesIfAny(file))?.toString('utf8');
}

/** As `readTextIfAny`, for files that are not text. */
export async function readBytesIfAny(file: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(file);
    try {
      const chunks: Buffer[] = [];
      for (let lengthBytes = 0; lengthBytes < MAX_FILE_BYTES;) {
        // Their size is said to be zero or a page; they end where a read finds nothing.
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(16 * 1024), 0, 16 * 1024, null);
        if (bytesRead === 0) break;
        lengthBytes += bytesRead;
        chunks.push(buffer.subarray(0, bytesRead));
      }
      return Buffer.concat(chunks);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? '';
    if (absenceCodes.has(code)) return undefined;
    throw thrown;
  }
}

const absenceCodes: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ESRCH',
  'EACCES',
  'EPERM',
  'EISDIR',
  'EIO',
  'EBUSY',
  'ENODEV',
  'EINVAL',
]);
