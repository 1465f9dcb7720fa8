import { homedir } from 'node:os';
import type { DownloadService } from './catalog/downloads/download-service-contract.ts';
import { openDownloads } from './catalog/downloads/open-downloads.ts';
import type { CatalogConfig } from './config/resolved-config.ts';
import type { EventFeed } from './event-feed.ts';
import type { DeviceFacts } from './memory/device-facts.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';

export interface EngineDownloadsOptions {
  readonly dataFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly feed: EventFeed;
  settings(): CatalogConfig;
  readDevices(): Promise<readonly DeviceFacts[]>;
  onFinished(): void;
}

/** The download service of an engine: its progress goes out with the events, and it knows what memory there is. */
export function openEngineDownloads(options: EngineDownloadsOptions): DownloadService {
  const { feed, settings } = options;
  const service = openDownloads({
    ...options,
    homeFolder: homedir(),
    origin: () => settings().huggingFace.origin,
    parallelFiles: () => settings().huggingFace.parallelFiles,
    freeMemoryBytes: async () => freeForModels(await options.readDevices()),
    onFinished: options.onFinished,
  });
  service.subscribe(() => {
    feed.mark('downloads', () => ({ type: 'downloads-changed', downloads: service.list() }));
  });
  return service;
}

/**
 * What one model could have if no other was loaded: all graphics cards together, else the system's memory. Pure. Undefined if
 * nothing is known.
 */
export function freeForModels(devices: readonly DeviceFacts[]): number | undefined {
  const accelerators = devices.filter(({ kind }) => kind !== 'ram');
  const counted = accelerators.length > 0 ? accelerators : devices;
  if (counted.length === 0) return undefined;
  return counted.reduce(
    (sum, { budgetBytes, totalBytes, usedByOthersBytes }) =>
      sum + Math.max(0, Math.min(budgetBytes, totalBytes - usedByOthersBytes)),
    0,
  );
}
