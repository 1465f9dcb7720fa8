import { createHash } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../config/atomic-write.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { DeviceNeed } from './estimate-need.ts';
import type { LearnedNeed } from './look-up-need.ts';
import { needKey, type NeedCircumstances } from './need-key.ts';

/** One start, or what became known of it. */
export interface NeedObservation {
  readonly predicted?: readonly DeviceNeed[];
  readonly forecast?: readonly DeviceNeed[];
  /** With whether it was made smaller to fit; that is taken from the observation that has the measurement. */
  readonly measured?: readonly DeviceNeed[];
  readonly isShrunk?: boolean;
  readonly loadTimeMs?: number;
  readonly tokensPerSecond?: number;
}

/** What earlier starts took, kept in the data folder. */
export interface LearnedNeeds {
  lookUp(circumstances: NeedCircumstances): LearnedNeed | undefined;
  /** Adds to what is known; what the observation leaves out stays. Written soon after, failures are logged. */
  observe(circumstances: NeedCircumstances, observation: NeedObservation): void;
  /** Resolves once the file says what was last observed. */
  close(): Promise<void>;
}

const fileName = 'learned-needs.json';
const formatVersion = 1;
/** Some 1 KiB each: enough for every model of a large collection with a few settings. */
const maxEntries = 1000;
const maxFileBytes = 8 * 1024 * 1024;
const keptLoadTimes = 5;

const bytes = z.number().nonnegative();
const deviceNeeds = z
  .array(z.object({ device: z.string(), weightsBytes: bytes, kvBytes: bytes, computeBytes: bytes }))
  .max(64);
const entrySchema = z.object({
  /** A digest of the circumstances. */
  key: z.string(),
  predicted: deviceNeeds,
  forecast: deviceNeeds.nullable(),
  measured: deviceNeeds.nullable(),
  isShrunk: z.boolean(),
  loadTimesMs: z.array(z.number().nonnegative()).max(keptLoadTimes),
  tokensPerSecond: z.number().nonnegative().nullable(),
  /** The calendar time of the last observation; the oldest entries are dropped. */
  observedAtMs: z.number(),
});
const fileSchema = z.object({ version: z.literal(formatVersion), entries: z.array(entrySchema).max(maxEntries) });

type Entry = z.infer<typeof entrySchema>;

/**
 * Reads `learned-needs.json` in `folder`. A file that cannot be understood is renamed to `learned-needs.json.corrupt`,
 * with a warning, and the store begins empty: what is in it can be learned again. Only the holder of the data folder may
 * open it.
 */
export async function openLearnedNeeds(options: {
  readonly folder: string;
  readonly logger: Logger;
  readonly clock: Clock;
}): Promise<LearnedNeeds> {
  const { folder, logger, clock } = options;
  const filePath = path.join(folder, fileName);
  // In the order of their last observation, oldest first.
  const entries = new Map((await readEntries(filePath, logger)).map((entry) => [entry.key, entry]));
  let writing: Promise<void> | undefined;
  let isChanged = false;

  const write = async (): Promise<void> => {
    while (isChanged) {
      isChanged = false;
      const text = JSON.stringify({ version: formatVersion, entries: [...entries.values()] });
      try {
        await writeFileAtomically(filePath, text, { mode: 0o600 });
      } catch (thrown) {
        logger.log('warn', `What models need cannot be written down: ${(thrown as Error).message}`, { file: filePath });
      }
    }
    writing = undefined;
  };

  return {
    lookUp: (circumstances) => entries.get(digestOf(circumstances)),
    observe(circumstances, observation) {
      const key = digestOf(circumstances);
      const known = entries.get(key);
      entries.delete(key);
      entries.set(key, merge(key, known, observation, clock.wallMs()));
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
      isChanged = true;
      writing ??= write();
    },
    async close() {
      await writing;
    },
  };
}

function merge(key: string, known: Entry | undefined, observation: NeedObservation, observedAtMs: number): Entry {
  const { loadTimeMs } = observation;
  const loadTimesMs = [...(known?.loadTimesMs ?? []), ...(loadTimeMs === undefined ? [] : [loadTimeMs])];
  return {
    key,
    predicted: [...(observation.predicted ?? known?.predicted ?? [])],
    forecast: copyOrNull(observation.forecast ?? known?.forecast),
    measured: copyOrNull(observation.measured ?? known?.measured),
    isShrunk: observation.measured === undefined ? (known?.isShrunk ?? false) : (observation.isShrunk ?? false),
    loadTimesMs: loadTimesMs.slice(-keptLoadTimes),
    tokensPerSecond: observation.tokensPerSecond ?? known?.tokensPerSecond ?? null,
    observedAtMs,
  };
}

function copyOrNull(needs: readonly DeviceNeed[] | null | undefined): DeviceNeed[] | null {
  return needs === null || needs === undefined ? null : [...needs];
}

function digestOf(circumstances: NeedCircumstances): string {
  return createHash('sha256').update(needKey(circumstances)).digest('hex');
}

async function readEntries(filePath: string, logger: Logger): Promise<Entry[]> {
  let text: string | undefined;
  try {
    text = await readBounded(filePath);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    logger.log('warn', `What was learned of the models cannot be read: ${(thrown as Error).message}`, {
      file: filePath,
    });
    return [];
  }
  const parsed = fileSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.entries.sort((one, other) => one.observedAtMs - other.observedAtMs);
  await rename(filePath, `${filePath}.corrupt`);
  logger.log('warn', 'What was learned of the models cannot be read; it was set aside and will be learned again', {
    file: `${filePath}.corrupt`,
  });
  return [];
}

/** Undefined for a file that is larger than the store ever writes. */
async function readBounded(filePath: string): Promise<string | undefined> {
  const file = await open(filePath, 'r');
  try {
    return (await file.stat()).size > maxFileBytes ? undefined : await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined; // The schema refuses it, which the caller reports.
  }
}
