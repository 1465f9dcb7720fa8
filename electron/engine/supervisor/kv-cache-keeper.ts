import { randomBytes } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatDuration, formatSize } from '#shared/model/units.ts';
import { ensurePrivateFolder } from '../config/private-folder.ts';
import type { FileModelConfig, MemoryConfig, ModelConfig } from '../config/resolved-config.ts';
import { listSlots, restoreSlot, saveSlot, type Slot } from '../llama/slots.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Endpoint } from './endpoint.ts';
import {
  listSets,
  modelDigest,
  readStamps,
  removeUnlisted,
  sampleFile,
  sealSlotFile,
  setName,
  takeList,
  writeList,
  type SavedList,
  type SavedSlot,
} from './kv-cache-files.ts';
import { canHandOnKvCache, canKeepKvCache, kvCacheKey } from './kv-cache-key.ts';
import { decideRemovals, restoreBudgetMs, saveBudgetMs } from './kv-cache-limits.ts';

/** Where the process of one start saves its slots. */
export interface KvCachePlace {
  /** For `--slot-save-path`. */
  readonly folder: string;
  /** As the process was started. */
  readonly model: FileModelConfig;
}

export interface KvCacheKeeper {
  /** Makes the folder for a start; undefined, after a line in the log, where that cannot be done. */
  preparePlace(model: FileModelConfig, start: KvCacheStart): Promise<KvCachePlace | undefined>;
  /**
   * Saves what the slots of a process remember, in the time that `graceMs` leaves; its outcome is told by `note`. What
   * remains to be done on disk goes on after it, and after `exited`. Never rejects.
   */
  save(place: KvCachePlace, endpoint: Endpoint, options: SaveOptions): Promise<void>;
  /** Restores what was saved for this start, if anything, within a time that its size decides. Never rejects. */
  restore(place: KvCachePlace, endpoint: Endpoint, options: RestoreOptions): Promise<void>;
  /** Removes what belongs to no model that keeps its cache any more, and what is too much. Never rejects. */
  sweep(): Promise<void>;
  /** Waits for what is still to be done on disk, 10 s at most: what is not complete by then does not count. */
  close(): Promise<void>;
}

export interface KvCacheStart {
  readonly args: readonly string[];
  /** The environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  readonly build: readonly [id: string, version: string];
}

interface SaveOptions {
  readonly graceMs: number;
  /** Settles once the process is gone. */
  readonly exited: Promise<unknown>;
  note(text: string): void;
}

interface RestoreOptions {
  readonly signal: AbortSignal;
  note(text: string): void;
}

export interface KvCacheKeeperOptions {
  /** Where sets are kept unless the configuration says otherwise. */
  readonly defaultFolder: string;
  settings(): MemoryConfig['kvCache'];
  models(): ReadonlyMap<string, ModelConfig>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const MAX_CLOSE_MS = 10_000;

/**
 * Keeps the KV cache of models over an unload: conversations are saved when a process stops in order and restored before the
 * next one is ready, so that their prompts need not be calculated again. It only ever helps: whatever fails is logged, and
 * the stop or the start goes on. Its files hold conversations and are readable by their owner alone.
 */
export function createKvCacheKeeper(options: KvCacheKeeperOptions): KvCacheKeeper {
  const { clock, logger } = options;
  /** Of processes that live: their folders stay, since llama-server does not start without. */
  const places = new Map<string, KvCachePlace>();
  /** What goes on with a set's files, by the set's folder. */
  const atWork = new Map<string, Promise<void>>();
  /** Folders that are being removed; a start that wants one waits until it is gone, and makes it anew. */
  const removing = new Map<string, Promise<void>>();
  /** One sweep after the other. */
  let sweeping: Promise<void> = Promise.resolve();

  function rootFolder(): string {
    return options.settings().folder ?? options.defaultFolder;
  }

  /** Work on a set, kept apart from other work on it and from removals. */
  function workOn(folder: string, work: () => Promise<void>): Promise<void> {
    const before = atWork.get(folder) ?? Promise.resolve();
    const done = before.then(work).catch((thrown: unknown) => {
      logger.log('warn', `Saved conversations in ${folder} could not be kept in order: ${messageOf(thrown)}`);
    });
    atWork.set(folder, done);
    void done.then(() => {
      if (atWork.get(folder) === done) atWork.delete(folder);
    });
    return done;
  }

  async function sweepOnce(): Promise<void> {
    const kept = new Set([...options.models().values()].filter(canKeepKvCache).map(({ id }) => modelDigest(id)));
    const root = rootFolder();
    for (const folder of new Set([options.defaultFolder, root])) {
      for (const set of await listSets(folder)) {
        const isWanted = folder === root && set.savedAtMs > 0 && kept.has(set.modelDigest);
        if (!isWanted && !atWork.has(path.join(folder, set.name))) await removeSet(folder, set.name);
      }
    }
    const sets = (await listSets(root)).map((set) => ({ ...set, isBusy: atWork.has(path.join(root, set.name)) }));
    for (const name of decideRemovals(sets, options.settings().maxBytes)) await removeSet(root, name);
  }

  async function removeSet(folder: string, name: string): Promise<void> {
    const set = path.join(folder, name);
    if (places.has(set)) await removeUnlisted(set, undefined);
    else {
      const removal = rm(set, { recursive: true, force: true });
      removing.set(set, removal);
      await removal.finally(() => removing.delete(set));
    }
    logger.log('debug', `Saved conversations were removed: ${name}`);
  }

  function sweep(): Promise<void> {
    sweeping = sweeping.then(sweepOnce).catch((thrown: unknown) => {
      logger.log('warn', `Saved conversations in ${rootFolder()} could not be looked through: ${messageOf(thrown)}`);
    });
    return sweeping;
  }

  /** Has the server write its slots; returns those that are whole, the last used first. */
  async function saveSlots(
    place: KvCachePlace,
    endpoint: Endpoint,
    signal: AbortSignal,
    note: (text: string) => void,
  ): Promise<Omit<SavedSlot, 'sample'>[]> {
    const { maxBytes } = options.settings();
    const saved: Omit<SavedSlot, 'sample'>[] = [];
    let totalBytes = 0;
    for (const slot of inOrderOfUse(await listSlots(endpoint, signal))) {
      const file = `${randomBytes(16).toString('hex')}.kv`;
      const filePath = path.join(place.folder, file);
      try {
        const { tokens, writtenBytes } = await saveSlot(endpoint, slot.id, file, signal);
        const { size } = await stat(filePath);
        const isWhole = tokens > 0 && writtenBytes > 0 && writtenBytes <= size;
        if (isWhole && totalBytes + size <= maxBytes) {
          saved.push({ slot: slot.id, file, tokens, sizeBytes: size, contextSize: slot.contextSize ?? null });
          totalBytes += size;
          continue;
        }
        if (isWhole) note(`[corral] a conversation of ${formatSize(size)} does not fit into memory.kvCache.maxSize`);
        else if (tokens > 0) note('[corral] a conversation was not saved: the disk took only a part of it');
      } catch (thrown) {
        note(`[corral] a conversation was not saved: ${messageOf(thrown)}`);
        if (signal.aborted) break;
      }
      await rm(filePath, { force: true });
    }
    return saved;
  }

  /** Whether work that never rejects was over in time. */
  function withinTime(work: Promise<void>, limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(limitMs, () => resolve(false));
      void work.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  /** False if what is at work on a set goes on for longer than a start may be held up. */
  async function isFreeSoon(folder: string): Promise<boolean> {
    return await withinTime(atWork.get(folder) ?? Promise.resolve(), restoreBudgetMs(0));
  }

  /** Makes what was saved count. Until then a start finds what was saved before. */
  async function commit(place: KvCachePlace, unsealed: readonly Omit<SavedSlot, 'sample'>[]): Promise<SavedList> {
    const slots: SavedSlot[] = [];
    for (const slot of unsealed) {
      slots.push({ ...slot, ...(await sealSlotFile(path.join(place.folder, slot.file))) });
    }
    const list = { savedAtMs: clock.wallMs(), slots };
    await writeList(place.folder, list);
    return list;
  }

  /** A model has one set: what an earlier file, build or context left is of no more use. */
  async function removeOtherSets(place: KvCachePlace): Promise<void> {
    const root = path.dirname(place.folder);
    for (const { name, modelDigest: digest } of await listSets(root)) {
      const isOther = digest === modelDigest(place.model.id) && name !== path.basename(place.folder);
      if (isOther && !atWork.has(path.join(root, name))) await removeSet(root, name);
    }
  }

  async function restoreSlots(
    place: KvCachePlace,
    endpoint: Endpoint,
    list: SavedList,
    { signal, lateSignal, note }: RestoreOptions & { lateSignal: AbortSignal },
  ): Promise<SavedSlot[]> {
    const either = AbortSignal.any([signal, lateSignal]);
    const slots = new Map((await listSlots(endpoint, either)).map((slot) => [slot.id, slot]));
    const restored: SavedSlot[] = [];
    for (const saved of list.slots) {
      const filePath = path.join(place.folder, saved.file);
      try {
        const found = await sampleFile(filePath);
        if (found.sizeBytes !== saved.sizeBytes || found.sample !== saved.sample)
          throw new Error('its file is damaged');
        const slot = slots.get(saved.slot);
        if (slot === undefined || (slot.contextSize ?? null) !== saved.contextSize) {
          throw new Error('the model has other slots or another context size now');
        }
        const tokens = await restoreSlot(endpoint, saved.slot, saved.file, either);
        if (tokens !== saved.tokens) throw new Error(`only ${tokens} of its ${saved.tokens} tokens came back`);
        restored.push(saved);
      } catch (thrown) {
        if (signal.aborted) break;
        const reason = lateSignal.aborted ? 'it took too long' : messageOf(thrown);
        const text = `A saved conversation of model ${place.model.id} was not restored and is removed: ${reason}`;
        logger.log('warn', text);
        note(`[corral] ${text}`);
        await rm(filePath, { force: true });
      }
    }
    return restored;
  }

  return {
    async preparePlace(model, start) {
      const root = rootFolder();
      try {
        const key = kvCacheKey({
          files: await readStamps([model.file, ...start.args]),
          args: start.args,
          env: Object.fromEntries(Object.entries(start.env).filter(([name]) => name.startsWith('LLAMA_ARG_'))),
          build: start.build,
        });
        const folder = path.join(root, setName(model.id, key));
        // Its owner may keep other things in it, and its permissions are their own affair; those of the set are ours.
        await mkdir(root, { recursive: true, mode: 0o700 });
        const place = { folder, model };
        places.set(folder, place);
        await removing.get(folder);
        await ensurePrivateFolder(folder);
        return place;
      } catch (thrown) {
        logger.log('warn', `Conversations of model ${model.id} cannot be kept in ${root}: ${messageOf(thrown)}`);
        return undefined;
      }
    },

    async save(place, endpoint, { graceMs, exited, note }) {
      void exited.then(() => {
        // The next start may have prepared it already.
        if (places.get(place.folder) === place) places.delete(place.folder);
      });
      const budgetMs = saveBudgetMs(graceMs);
      const isWanted = canHandOnKvCache(place.model, options.models().get(place.model.id));
      if (!isWanted || budgetMs === 0 || options.settings().maxBytes === 0) return;
      const startMs = clock.nowMs();
      const ending = new AbortController();
      const deadline = clock.setTimer(budgetMs, () => ending.abort(new Error('the time for it was over')));
      void exited.then(() => ending.abort(new Error('the process has ended')));
      let saved: Omit<SavedSlot, 'sample'>[] = [];
      const saving = workOn(place.folder, async () => {
        try {
          // A sweep may have taken it away meanwhile.
          await ensurePrivateFolder(place.folder);
          saved = await saveSlots(place, endpoint, ending.signal, note);
        } catch (thrown) {
          note(`[corral] conversations were not saved: ${messageOf(thrown)}`);
        } finally {
          deadline.cancel();
        }
      });
      await saving;
      void workOn(place.folder, async () => {
        const list = saved.length === 0 ? undefined : await commit(place, saved);
        await exited;
        if (list === undefined) return;
        await removeUnlisted(place.folder, list);
        await removeOtherSets(place);
      }).then(sweep);
      if (saved.length > 0) note(`[corral] saved ${describe(saved)} in ${formatDuration(clock.nowMs() - startMs)}`);
    },

    async restore(place, endpoint, { signal, note }) {
      if (!(await isFreeSoon(place.folder))) {
        note('[corral] saved conversations are still being written to the disk and are not restored this time');
        return;
      }
      await workOn(place.folder, async () => {
        const list = await takeList(place.folder);
        if (list === undefined) return;
        const startMs = clock.nowMs();
        const sizeBytes = list.slots.reduce((sum, slot) => sum + slot.sizeBytes, 0);
        const late = new AbortController();
        const deadline = clock.setTimer(restoreBudgetMs(sizeBytes), () => late.abort());
        let slots: SavedSlot[];
        try {
          slots = await restoreSlots(place, endpoint, list, { signal, lateSignal: late.signal, note });
        } finally {
          deadline.cancel();
        }
        // A process that ended meanwhile may have died of the files: without their list they are not tried again.
        if (signal.aborted || slots.length === 0) return;
        await writeList(place.folder, { ...list, slots });
        note(`[corral] restored ${describe(slots)} in ${formatDuration(clock.nowMs() - startMs)}`);
      });
      void sweep();
    },

    sweep,

    async close() {
      const settle = async (): Promise<void> => {
        while (atWork.size > 0) await Promise.all(atWork.values());
        await sweeping;
      };
      await withinTime(settle(), MAX_CLOSE_MS);
    },
  };
}

/** The last used first, without those that have nothing or still calculate. */
function inOrderOfUse(slots: readonly Slot[]): Slot[] {
  return slots.filter((slot) => slot.tokens !== 0 && !slot.isProcessing).sort((a, b) => b.lastTask - a.lastTask);
}

function describe(slots: readonly Pick<SavedSlot, 'tokens' | 'sizeBytes'>[]): string {
  const tokens = slots.reduce((sum, slot) => sum + slot.tokens, 0);
  const sizeBytes = slots.reduce((sum, slot) => sum + slot.sizeBytes, 0);
  const what = slots.length === 1 ? '1 conversation' : `${slots.length} conversations`;
  return `${what} (${tokens} tokens, ${formatSize(sizeBytes)})`;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
