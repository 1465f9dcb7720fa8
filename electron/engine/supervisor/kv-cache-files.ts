import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../config/atomic-write.ts';
import type { FileStamp } from './kv-cache-key.ts';

/**
 * Saved conversations on disk: `<folder>/<model>-<key>/`, where the model is a digest of its id and the key one of what its
 * cache depends on. In each a file a slot, under a name that cannot be guessed, and `saved.json`, written last: what it does
 * not list does not count. While a set is restored the list is called `restoring.json`, so that files at which llama-server
 * dies are not tried again.
 */

const slotSchema = z.strictObject({
  slot: z.int().nonnegative(),
  file: z.string().regex(/^[0-9a-f]{32}\.kv$/),
  tokens: z.int().positive(),
  sizeBytes: z.int().positive(),
  /** Of the slot, in tokens; the scaling of some models' positions depends on it. */
  contextSize: z.int().positive().nullable(),
  /** See `sealSlotFile`. */
  sample: z.string(),
});
const listSchema = z.strictObject({ savedAtMs: z.number(), slots: z.array(slotSchema).min(1) });

export type SavedSlot = z.output<typeof slotSchema>;
/** `savedAtMs` is wall time. */
export type SavedList = z.output<typeof listSchema>;

const LIST = 'saved.json';
const LIST_MEANWHILE = 'restoring.json';
const MAX_LIST_BYTES = 1024 * 1024;
const setPattern = /^([0-9a-f]{16})-[0-9a-f]{16}$/;

/** Of a model's id, for names of sets; nobody is told the id by the name of a folder. */
export function modelDigest(modelId: string): string {
  return shortDigest(modelId);
}

/** The name of a model's set. */
export function setName(modelId: string, key: string): string {
  return `${modelDigest(modelId)}-${shortDigest(key)}`;
}

function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export interface SetOnDisk {
  readonly name: string;
  readonly modelDigest: string;
  readonly sizeBytes: number;
  /** 0 for a set without a list. */
  readonly savedAtMs: number;
}

/** Sets in a folder, which may hold other things of its owner's. A folder that does not exist has none. */
export async function listSets(folder: string): Promise<SetOnDisk[]> {
  const sets: SetOnDisk[] = [];
  for (const entry of await unlessMissing(readdir(folder, { withFileTypes: true }), [])) {
    const digest = setPattern.exec(entry.name)?.[1];
    if (digest === undefined || !entry.isDirectory()) continue;
    const set = path.join(folder, entry.name);
    let sizeBytes = 0;
    for (const name of await unlessMissing(readdir(set), [])) {
      sizeBytes += (await unlessMissing(stat(path.join(set, name)), undefined))?.size ?? 0;
    }
    const savedAtMs = (await readList(set, LIST))?.savedAtMs ?? 0;
    sets.push({ name: entry.name, modelDigest: digest, sizeBytes, savedAtMs });
  }
  return sets;
}

/** Makes a set complete. Older files in it stay until `removeUnlisted`. */
export async function writeList(set: string, list: SavedList): Promise<void> {
  await writeFileAtomically(path.join(set, LIST), JSON.stringify(list), { mode: 0o600 });
  await rm(path.join(set, LIST_MEANWHILE), { force: true });
}

/** Takes the list out for a restore; undefined if there is none that could be used. `writeList` puts it back. */
export async function takeList(set: string): Promise<SavedList | undefined> {
  const list = await readList(set, LIST);
  if (list !== undefined) await rename(path.join(set, LIST), path.join(set, LIST_MEANWHILE));
  return list;
}

async function readList(set: string, name: string): Promise<SavedList | undefined> {
  const file = path.join(set, name);
  const sizeBytes = (await unlessMissing(stat(file), undefined))?.size ?? 0;
  if (sizeBytes === 0 || sizeBytes > MAX_LIST_BYTES) return undefined;
  try {
    return listSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // Not ours, or damaged: it lists nothing.
  }
}

/** Removes what a set's list does not name; without a list, everything in it. */
export async function removeUnlisted(set: string, list: SavedList | undefined): Promise<void> {
  const kept = new Set(list === undefined ? [] : [LIST, ...list.slots.map(({ file }) => file)]);
  for (const name of await unlessMissing(readdir(set), [])) {
    if (!kept.has(name)) await rm(path.join(set, name), { force: true, recursive: true });
  }
}

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/**
 * Closes a slot's file to other users, writes it through to the disk, and returns its size with a digest of 64 pieces of
 * 4 KiB, from its first to its last bytes. Reading gigabytes for a digest of everything would take longer than many prompts;
 * this finds files that were cut off, exchanged, or never reached the disk.
 */
export async function sealSlotFile(file: string): Promise<{ sizeBytes: number; sample: string }> {
  const handle = await open(file, 'r+');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return await sampleFile(file);
}

/** The size and digest that `sealSlotFile` gives; rejects where there is no such file. */
export async function sampleFile(file: string): Promise<{ sizeBytes: number; sample: string }> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const hash = createHash('sha256').update(String(size));
    const buffer = Buffer.alloc(SAMPLE_BYTES);
    const count = Math.min(SAMPLES, Math.ceil(size / SAMPLE_BYTES));
    for (let index = 0; index < count; index += 1) {
      const position = count === 1 ? 0 : Math.floor((index * Math.max(0, size - SAMPLE_BYTES)) / (count - 1));
      const { bytesRead } = await handle.read(buffer, 0, SAMPLE_BYTES, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { sizeBytes: size, sample: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

/** Of the words that are paths of files, or have some in them: `--lora=a.gguf,b.gguf:0.5`. */
export async function readStamps(words: readonly string[]): Promise<FileStamp[]> {
  const stamps: FileStamp[] = [];
  const candidates = words.flatMap((word) => [word, ...word.split(/[=,]/)].map((part) => part.replace(/:[\d.]+$/, '')));
  for (const candidate of new Set(candidates)) {
    // Not every word can be a path at all.
    const stats = await stat(candidate).catch(() => undefined);
    if (stats?.isFile() === true) stamps.push({ path: candidate, sizeBytes: stats.size, modifiedMs: stats.mtimeMs });
  }
  return stamps;
}

async function unlessMissing<Found, Missing>(found: Promise<Found>, missing: Missing): Promise<Found | Missing> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missing;
    throw error;
  }
}
