import { createHash } from 'node:crypto';
import { AppError } from '#shared/contract/errors.ts';
import { GgufFormatError } from './gguf-cursor.ts';
import { MetadataError } from './gguf-key-reader.ts';
import { describeModel, type ModelMetadata } from './gguf-model-metadata.ts';
import { readGgufHeader, type GgufHeader, type GgufScalar } from './gguf-reader.ts';
import { parseSplitName } from './gguf-split.ts';

/**
 * Reads what Corral needs to know of a model, from all parts if it is split. Synchronous: for the worker of
 * gguf-metadata.ts. Throws an AppError `start-failed` that names the file, what is wrong with it and what to do.
 */
export function readModelFile(filePath: string): ModelMetadata {
  const first = readPart(filePath, undefined);
  const claimed = first.values.get('split.count');
  const partCount = typeof claimed === 'number' ? claimed : 1;
  if (partCount <= 1) return describe(filePath, [first]);

  const split = parseSplitName(filePath);
  if (split?.partCount !== partCount) {
    throw refusal(
      filePath,
      `is one of ${partCount} parts of a model, but its name does not say which`,
      `llama-server expects names like model-00001-of-${String(partCount).padStart(5, '0')}.gguf: give the parts their ` +
        'names back.',
    );
  }
  if (split.part !== 1) {
    throw refusal(
      filePath,
      `is part ${split.part} of ${partCount} of a model`,
      `Name the first part instead: ${split.paths[0] ?? ''}`,
    );
  }
  return describe(filePath, [first, ...split.paths.slice(1).map((path) => readPart(path, filePath))]);
}

/** What a model file says of itself, for people to read; of a split model what its first part says. */
export interface ModelKeys {
  readonly values: Readonly<Record<string, GgufScalar>>;
  /** Lists of at most 4096 numbers. */
  readonly lists: Readonly<Record<string, readonly number[]>>;
  /** Of every list. */
  readonly listLengths: Readonly<Record<string, number>>;
}

/** The longest chat templates have some 20 kB. */
const maxTextBytes = 256 * 1024;

/** Throws like `readModelFile`. */
export function readModelKeys(filePath: string): ModelKeys {
  const { values, lists, listLengths } = readPart(filePath, undefined, maxTextBytes);
  return {
    values: Object.fromEntries(values),
    lists: Object.fromEntries(lists),
    listLengths: Object.fromEntries(listLengths),
  };
}

function describe(filePath: string, parts: readonly GgufHeader[]): ModelMetadata {
  const [first] = parts;
  const digest =
    parts.length === 1 && first !== undefined
      ? first.digest
      : createHash('sha256')
          .update(parts.map((part) => part.digest).join('\n'))
          .digest('hex');
  try {
    return describeModel(parts, digest);
  } catch (error) {
    if (error instanceof MetadataError) throw refusal(filePath, error.message, conversionAdvice, error);
    throw error;
  }
}

const conversionAdvice = 'Get another conversion of this model.';

/** `wholePath` is the file that the configuration names, if this is a further part of it. */
function readPart(filePath: string, wholePath: string | undefined, keptStringBytes?: number): GgufHeader {
  try {
    return readGgufHeader(filePath, keptStringBytes);
  } catch (error) {
    if (error instanceof GgufFormatError) {
      throw refusal(filePath, error.message, 'The download probably broke off: fetch it again.', error);
    }
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    if (code === 'ENOENT' && wholePath !== undefined) {
      throw refusal(
        filePath,
        `is missing, a part of the model ${wholePath}`,
        'Fetch it too: all parts are needed.',
        error,
      );
    }
    throw refusal(filePath, `could not be read (${code})`, 'Check that it is there and may be read.', error);
  }
}

function refusal(filePath: string, what: string, advice: string, cause?: unknown): AppError {
  return new AppError('start-failed', `The model file ${filePath} ${what}. ${advice}`, {
    details: { file: filePath },
    ...(cause === undefined ? {} : { cause }),
  });
}
