import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DownloadView } from '#shared/contract/downloads.ts';
import { AppError } from '#shared/contract/errors.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import { freeDiskBytes } from './disk-space.ts';
import { createDownloadService } from './download-service.ts';
import type { DownloadService } from './download-service-contract.ts';
import { defaultRetries, type RetryPolicy } from './fetch-file.ts';
import { hubCacheFolder, hubHomeFolder, type HubCacheSurroundings } from './hub-cache.ts';
import { createHubClient } from './hub-client.ts';
import { openHubConnections, type HubConnections, type HubTimeouts } from './hub-connections.ts';
import { openPulledModels } from './pulled-models.ts';
import { openUnfinishedDownloads } from './unfinished-downloads.ts';

export interface DownloadsOptions extends HubCacheSurroundings {
  /** Holds the list of what is unfinished. */
  readonly dataFolder: string;
  readonly version: string;
  readonly logger: Logger;
  /** `catalog.huggingFace.origin`; undefined: HF_ENDPOINT, else Hugging Face itself. */
  readonly origin?: (() => string | undefined) | undefined;
  readonly clock?: Clock;
  readonly parallelFiles?: () => number;
  /** What a model may use; undefined where that is unknown. */
  readonly freeMemoryBytes?: () => Promise<number | undefined>;
  readonly onFinished?: (view: DownloadView) => void;
  /** For tests: what takes half a minute for good reasons. */
  readonly retries?: RetryPolicy;
  readonly timeouts?: HubTimeouts;
  readonly freeDiskBytes?: (folder: string) => Promise<number>;
  readonly connections?: HubConnections;
}

const DEFAULT_ORIGIN = 'https://huggingface.co';
/** A stall is noticed in time to be tried again within 35 s (scorecard D4). */
const defaultTimeouts: HubTimeouts = { connectMs: 15_000, stallMs: 25_000 };
/** More connections to one server make nothing faster, and many small files wait less. */
export const DEFAULT_PARALLEL_FILES = 3;

/** The download service as the surroundings have it: cache folder, origin and token as Hugging Face's own tools find them. */
export function openDownloads(options: DownloadsOptions): DownloadService {
  const { env, logger, clock = systemClock, dataFolder } = options;
  const origin = (): URL => readOrigin(options.origin?.() ?? env['HF_ENDPOINT']);
  // What is wrong with it is said now rather than at the first download.
  origin();
  const connections = options.connections ?? openHubConnections(origin, options.timeouts ?? defaultTimeouts, env);
  const client = createHubClient({
    origin,
    connections,
    userAgent: `corral/${options.version}`,
    token: () => readToken(options),
  });
  const cacheFolder = hubCacheFolder(options);
  const service = createDownloadService({
    client,
    clock,
    logger,
    cacheFolder,
    pulledModels: openPulledModels({ file: path.join(dataFolder, 'pulled-models.json'), cacheFolder, logger }),
    unfinished: openUnfinishedDownloads(path.join(dataFolder, 'downloads.json')),
    retries: options.retries ?? defaultRetries,
    parallelFiles: options.parallelFiles ?? (() => DEFAULT_PARALLEL_FILES),
    freeDiskBytes: options.freeDiskBytes ?? freeDiskBytes,
    freeMemoryBytes: options.freeMemoryBytes ?? (() => Promise.resolve(undefined)),
    onFinished: options.onFinished ?? (() => undefined),
  });
  return {
    ...service,
    async close() {
      await service.close();
      await connections.close();
    },
  };
}

function readOrigin(written: string | undefined): URL {
  const text = written === undefined || written === '' ? DEFAULT_ORIGIN : written;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new AppError(
    'config-invalid',
    'HF_ENDPOINT is no address of a server: it must start with https:// or http://. Correct it, or unset it.',
  );
}

/** `HF_TOKEN`, else the token that `hf auth login` saved. */
async function readToken(surroundings: HubCacheSurroundings): Promise<string | undefined> {
  const { env } = surroundings;
  const own = env['HF_TOKEN'] ?? env['HUGGING_FACE_HUB_TOKEN'];
  if (own !== undefined && own.trim() !== '') return checkToken(own.trim());
  if (env['HF_HUB_DISABLE_IMPLICIT_TOKEN'] === '1') return undefined;
  const file = env['HF_TOKEN_PATH'] ?? path.join(hubHomeFolder(surroundings), 'token');
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return text === '' ? undefined : checkToken(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

function checkToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new AppError(
    'download-failed',
    'HF_TOKEN holds characters that no token has. Copy it anew from Hugging Face.',
    {
      details: { reason: 'token' },
    },
  );
}
