import { open, stat } from 'node:fs/promises';
import { AppError } from '#shared/contract/errors.ts';

/** Magic, version, tensor count and metadata count (ggml/docs/gguf.md). */
const headerBytes = 24;
/** Enough of the file to recognise what people get instead of a model. */
const sampleBytes = 256;

/**
 * A cheap look at a model file before a process is started on it: it exists, can be read and begins like a GGUF of
 * version 2 or 3. Reads 256 bytes. Throws an AppError `start-failed` that says what is wrong and what to do.
 */
export async function checkGgufFile(filePath: string): Promise<void> {
  const sample = await readSample(filePath);
  const magic = sample.toString('latin1', 0, 4);
  if (sample.length === 0) {
    throw refusal(filePath, 'is empty', 'The download probably broke off: fetch it again.');
  }
  if (magic !== 'GGUF') throw refusal(filePath, 'is not a GGUF file', explainForeignContent(sample));
  if (sample.length < headerBytes) {
    throw refusal(
      filePath,
      `is cut off: it has ${sample.length} bytes, less than a GGUF header`,
      'The download probably broke off: fetch it again.',
    );
  }
  const version = sample.readUInt32LE(4);
  if (version !== 2 && version !== 3) {
    // A big-endian file has its version's bytes the other way round.
    const isBigEndian = version === 0x0200_0000 || version === 0x0300_0000;
    throw isBigEndian
      ? refusal(filePath, 'is a big-endian GGUF', 'Get the ordinary, little-endian file of this model.')
      : refusal(
          filePath,
          `is GGUF version ${version}, and llama-server reads versions 2 and 3`,
          'Get a newer conversion of this model, or convert it again with the scripts of llama.cpp.',
        );
  }
}

async function readSample(filePath: string): Promise<Buffer> {
  try {
    // Looked at before it is opened: opening a named pipe would wait for somebody who writes to it.
    const stats = await stat(filePath);
    if (stats.isDirectory()) throw directoryRefusal(filePath);
    if (!stats.isFile()) throw refusal(filePath, 'is not an ordinary file', 'Give the path of a .gguf file.');
    const handle = await open(filePath, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(sampleBytes), 0, sampleBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof AppError ? error : translateFileError(filePath, error);
  }
}

function translateFileError(filePath: string, error: unknown): AppError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return refusal(filePath, 'does not exist', "Correct the model's `file` in the configuration.", error);
    case 'EISDIR':
      return directoryRefusal(filePath, error);
    case 'EACCES':
    case 'EPERM':
      return refusal(
        filePath,
        'may not be read by the account Corral runs under',
        'Change the permissions of the file or of the folders above it.',
        error,
      );
    default:
      return refusal(filePath, `could not be read (${code})`, 'Check the disk it lies on, or fetch it again.', error);
  }
}

function directoryRefusal(filePath: string, cause?: unknown): AppError {
  return refusal(filePath, 'is a folder', 'Give the path of the .gguf file in it.', cause);
}

function explainForeignContent(sample: Buffer): string {
  const start = sample.toString('latin1').trimStart().toLowerCase();
  if (start.startsWith('version https://git-lfs')) {
    return 'It is a Git LFS pointer: run `git lfs pull` in its repository, or download the file itself.';
  }
  if (start.startsWith('<!doctype') || start.startsWith('<html') || start.startsWith('<?xml')) {
    return 'It is a web page, so the download got an error or a log-in page: fetch the file itself.';
  }
  if (start.startsWith('{')) {
    return 'It is JSON, perhaps an error from the server it was downloaded from: fetch the file itself.';
  }
  if (/^(ggml|ggjt|ggmf|lmgg|tjgg|fmgg)/.test(start)) {
    return 'It is a model in the format before GGUF: get a GGUF of it.';
  }
  if (start.startsWith('pk\u0003\u0004') || start.startsWith('\u001f\u008b')) {
    return 'It is an archive: unpack it first.';
  }
  return 'Get the model as .gguf; other formats (such as safetensors) have to be converted first.';
}

function refusal(filePath: string, what: string, advice: string, cause?: unknown): AppError {
  return new AppError('start-failed', `The model file ${filePath} ${what}. ${advice}`, {
    details: { file: filePath },
    ...(cause === undefined ? {} : { cause }),
  });
}
