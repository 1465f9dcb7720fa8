import type { DownloadView } from '#shared/contract/downloads.ts';
import type { ModelView, PoolView, QueueEntryView, Snapshot } from '#shared/contract/snapshot.ts';

/** Parts of a snapshot with plain values, for what shows them. */

/** The time these views are seen at. */
export const NOW_MS = Date.UTC(2026, 2, 1, 12);

export function modelView(changes: Partial<ModelView> = {}): ModelView {
  return {
    id: 'qwen3',
    aliases: [],
    kind: 'file',
    isDemo: false,
    origin: 'config',
    state: 'off',
    loadProgress: null,
    detail: null,
    isPinned: false,
    activeRequests: 0,
    waitingRequests: 0,
    concurrency: null,
    contextSize: null,
    pid: null,
    address: null,
    commandLine: null,
    stateSince: NOW_MS - 60_000,
    lastUsedAt: null,
    lastLoadMs: null,
    problem: null,
    lastExit: null,
    warnings: [],
    need: null,
    needHistory: null,
    reservedBytes: {},
    ...changes,
  };
}

export function downloadView(changes: Partial<DownloadView> = {}): DownloadView {
  return {
    id: 'd1',
    source: 'user/repo:Q4_K_M',
    repo: 'user/repo',
    quant: 'Q4_K_M',
    state: 'downloading',
    detail: null,
    files: [],
    totalBytes: 8e9,
    receivedBytes: 2e9,
    bytesPerSecond: 40e6,
    remainingMs: 150_000,
    problem: null,
    modelFile: null,
    mmprojFile: null,
    startedAt: NOW_MS - 50_000,
    finishedAt: null,
    ...changes,
  };
}

export function queueEntry(changes: Partial<QueueEntryView> = {}): QueueEntryView {
  return {
    id: 'r1',
    modelId: 'qwen3',
    lane: 'default',
    priority: 0,
    waitsFor: 'slot',
    reason: 'slot of qwen3: 1 of 1 busy',
    position: 1,
    enqueuedAt: NOW_MS - 2000,
    expectedWaitMs: null,
    ...changes,
  };
}

export function endpointView(changes: Partial<PoolView['endpoints'][number]> = {}): PoolView['endpoints'][number] {
  return {
    url: 'http://gpu-1.lan:8000',
    health: 'healthy',
    problem: null,
    isResting: false,
    activeRequests: 0,
    concurrency: null,
    servedRequests: 0,
    modelCount: 2,
    checkedAt: NOW_MS - 4000,
    ...changes,
  };
}

export function poolView(changes: Partial<PoolView> = {}): PoolView {
  return {
    name: 'lab',
    sticky: 'none',
    stickyUsers: 0,
    waitingRequests: 0,
    endpoints: [endpointView()],
    ...changes,
  };
}

export function snapshotOf(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    sequence: 0,
    instance: {
      version: '1.2.3',
      pid: 4242,
      startedAt: NOW_MS - 240_000,
      address: 'http://127.0.0.1:5526',
      configPath: null,
      configWarnings: [],
      configErrors: [],
      dataFolder: '/data',
      maxLoaded: 1,
      isShuttingDown: false,
    },
    engine: { status: 'searching' },
    models: [],
    queue: [],
    pools: [],
    memory: { devices: [], isGameMode: false },
    downloads: [],
    ...changes,
  };
}
