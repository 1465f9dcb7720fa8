import { access, constants, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from '#shared/contract/errors.ts';
import { writeFileAtomically } from './atomic-write.ts';
import {
  decodeUtf8,
  describeFailure,
  fileConflict,
  newFileText,
  readCurrent,
  type CurrentFile,
} from './config-file.ts';
import { editConfig, type ConfigEdit } from './edit-config.ts';
import { MAX_CONFIG_BYTES, parseConfig, type ConfigResult, type ConfigSurroundings } from './load-config.ts';
import { readYaml } from './read-yaml.ts';

export interface SaveConfigOptions extends ConfigSurroundings {
  /** Relative to the working folder. May be a symbolic link, which is written through. */
  readonly filePath: string;
  readonly edits: readonly ConfigEdit[];
  /** Path or URL of the JSON Schema, for the first line of a file that is made; editors read it. */
  readonly schemaPath?: string;
  /** Looked at until the file is replaced; what happens then cannot be called back. */
  readonly signal?: AbortSignal;
}

/** The file may hold keys, so nobody else reads what Corral makes. */
const NEW_FILE_MODE = 0o600;
const NEW_FOLDER_MODE = 0o700;

/** The end of the save before, by path: two at once would otherwise undo each other's edits. */
const lastSaves = new Map<string, Promise<unknown>>();

/**
 * Makes edits to the configuration file and gives back what it then means. What would not load is not written: the
 * errors come back instead, and so they do when the file is not YAML now. The content before is kept as
 * `<file>.previous`, and the file is replaced in one step (see `writeFileAtomically`), so that a crash at any moment
 * leaves the old or the new one. A file that is not there is made, with its folders; one that would not change is not
 * touched. Saves of one path follow each other.
 *
 * Rejects with `conflict` if somebody else changed the file meanwhile (`details.reason` is `changed`) or it cannot be
 * read or written (`details.reason` is the system's code, such as ENOSPC): the file is then as it was. Only where the
 * disk does not confirm what is already in place (`unconfirmed`) it is the new one. Rejects with `invalid-request` for
 * an edit that makes no sense, and with the reason of `signal`.
 */
export async function saveConfig(options: SaveConfigOptions): Promise<ConfigResult> {
  const filePath = resolve(options.filePath);
  const before = lastSaves.get(filePath) ?? Promise.resolve();
  const save = (): Promise<ConfigResult> => saveNow({ ...options, filePath });
  // How the one before ended is its caller's concern.
  const saving = before.then(save, save);
  lastSaves.set(filePath, saving);
  try {
    return await saving;
  } finally {
    if (lastSaves.get(filePath) === saving) lastSaves.delete(filePath);
  }
}

async function saveNow(options: SaveConfigOptions): Promise<ConfigResult> {
  const { filePath, edits, schemaPath, signal, env, homeFolder, platform } = options;
  signal?.throwIfAborted();
  const parse = (text: string): ConfigResult => parseConfig({ env, homeFolder, platform, text, filePath });

  const current = await describeFailure(filePath, () => readCurrent(filePath));
  const before = current === undefined ? newFileText(filePath, schemaPath) : decodeUtf8(current.bytes);
  if (before === undefined) return refuse('is not UTF-8 text; save it with that encoding');
  if (!readYaml(before.replace(/^\uFEFF/, '')).ok) return parse(before);

  const after = editConfig({ text: before, edits });
  const result = parse(after);
  if (!result.ok || (current !== undefined && after === before)) return result;
  if (Buffer.byteLength(after) > MAX_CONFIG_BYTES) return refuse('would be larger than 4 MiB');
  signal?.throwIfAborted();

  await describeFailure(filePath, async () => {
    if (current === undefined) {
      await mkdir(dirname(filePath), { recursive: true, mode: NEW_FOLDER_MODE });
    } else {
      // A rename would not ask, but whoever made the file read-only meant it.
      await access(filePath, constants.W_OK);
      await refuseIfChanged(filePath, current);
      await writeFileAtomically(`${filePath}.previous`, current.bytes, { mode: current.mode });
    }
    signal?.throwIfAborted();
    await refuseIfChanged(filePath, current);
    await replaceFile(filePath, after, current?.mode ?? NEW_FILE_MODE);
  });
  return result;
}

/**
 * Puts another text in the place of a file, as `saveConfig` does it: the content before is kept as `<file>.previous`.
 * Rejects with `conflict`.
 */
export async function replaceConfigFile(filePath: string, text: string): Promise<void> {
  await describeFailure(filePath, async () => {
    const current = await readCurrent(filePath);
    if (current !== undefined) {
      await access(filePath, constants.W_OK);
      await writeFileAtomically(`${filePath}.previous`, current.bytes, { mode: current.mode });
    }
    await replaceFile(filePath, text, current?.mode ?? NEW_FILE_MODE);
  });
}

/** Tells a failure before the new content took its place from one after it, which only concerns a power cut. */
async function replaceFile(filePath: string, text: string, mode: number): Promise<void> {
  try {
    await writeFileAtomically(filePath, text, { mode });
  } catch (error) {
    if (!(await hasContent(filePath, text))) throw error;
    throw new AppError(
      'conflict',
      `${filePath} was saved, but the disk did not confirm it: a power cut may bring the old content back. Save again.`,
      { details: { filePath, reason: 'unconfirmed' }, cause: error },
    );
  }
}

async function hasContent(filePath: string, text: string): Promise<boolean> {
  try {
    return (await readCurrent(filePath))?.bytes.equals(Buffer.from(text)) === true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined && !(error instanceof AppError)) throw error;
    return false;
  }
}

async function refuseIfChanged(filePath: string, expected: CurrentFile | undefined): Promise<void> {
  const found = await readCurrent(filePath);
  if (found?.digest === expected?.digest) return;
  throw fileConflict(filePath, 'another program has changed it in the meantime; look at it and try again', 'changed');
}

function refuse(message: string): ConfigResult {
  return { ok: false, errors: [{ path: '', message }] };
}
