import { describe, expect, it } from 'vitest';
import type { Snapshot } from '#shared/contract/snapshot.ts';
import {
  appStatus,
  fullStatus,
  loadingStatus,
  modelStatus,
} from '../../../../electron/engine/dialects/routermodel/status-view.ts';
import {
  modelVram,
  vramStatus,
  vramSummary,
  vramView,
} from '../../../../electron/engine/dialects/routermodel/vram-view.ts';
import { modelView, NOW_MS, snapshotOf } from '../../../fakes/views.ts';

const GIB = 2 ** 30;

const memory: Snapshot['memory'] = {
  isGameMode: false,
  devices: [
    {
      id: 'CUDA0',
      name: 'GPU',
      kind: 'gpu',
      totalBytes: 16 * GIB,
      freeBytes: 10 * GIB,
      budgetBytes: 15 * GIB,
      usedByOthersBytes: 2 * GIB,
      models: [{ model: 'qwen3', bytes: 4 * GIB }],
      isStale: false,
      problem: null,
    },
    {
      id: 'RAM',
      name: 'RAM',
      kind: 'ram',
      totalBytes: 64 * GIB,
      freeBytes: 60 * GIB,
      budgetBytes: 63 * GIB,
      usedByOthersBytes: GIB,
      models: [],
      isStale: false,
      problem: null,
    },
  ],
};

const ready = modelView({
  state: 'ready',
  pid: 7,
  address: '127.0.0.1:8085',
  stateSince: NOW_MS - 10_000,
  lastLoadMs: 2500,
});

describe('the status of a model', () => {
  it.each([
    ['off', 'off'],
    ['starting', 'starting'],
    ['loading', 'loading'],
    ['ready', 'ready'],
    ['draining', 'stopping'],
    ['stopping', 'stopping'],
    ['crashed', 'crashed'],
    ['failed', 'failed'],
  ] as const)('%s is told as %s', (state, status) => {
    expect(appStatus(modelView({ state }))).toBe(status);
  });

  it('is loaded once it has answered', () => {
    expect(appStatus({ ...ready, lastUsedAt: NOW_MS - 1000 })).toBe('loaded');
    expect(appStatus({ ...ready, lastUsedAt: NOW_MS - 60_000 }), 'before it was loaded this time').toBe('ready');
  });

  it('has the keys that dashboards read', () => {
    expect(modelStatus(ready, memory)).toEqual({
      alias: 'qwen3',
      status: 'ready',
      port: 8085,
      started_at: new Date(NOW_MS - 12_500).toISOString(),
      last_used_at: null,
      load_progress: null,
      error_message: null,
      vram_used_mb: 4096,
      updated_at: new Date(NOW_MS - 10_000).toISOString(),
    });
    const failed = modelView({
      state: 'failed',
      problem: { code: 'model-failed', message: 'why' },
      loadProgress: null,
    });
    expect(modelStatus(failed, memory)).toMatchObject({ started_at: null, error_message: 'why', port: null });
    expect(modelStatus(modelView({ state: 'loading', pid: 1, loadProgress: 0.426 }), memory).load_progress).toBe(43);
  });

  it('is summed up', () => {
    const snapshot = snapshotOf({ memory, models: [ready, modelView({ id: 'b' })] });
    const status = fullStatus(snapshot, snapshot.models, NOW_MS);
    expect(Object.keys(status)).toEqual(['server', 'models', 'summary']);
    expect(Object.keys(status.models)).toEqual(['qwen3', 'b']);
    expect(status.summary).toEqual({
      total: 2,
      by_status: { off: 1, starting: 0, loading: 0, ready: 1, loaded: 0, stopping: 0, crashed: 0, failed: 0 },
    });
    expect(status.server).toEqual({
      status: 'ready',
      started_at: new Date(snapshot.instance.startedAt).toISOString(),
      updated_at: new Date(NOW_MS - 10_000).toISOString(),
    });
  });

  it('says that the server begins and ends', () => {
    const { instance } = snapshotOf();
    const serverOf = (changes: Partial<Snapshot>): string => fullStatus(snapshotOf(changes), [], NOW_MS).server.status;
    expect(serverOf({ engine: { status: 'installing', step: 'unpacks' } })).toBe('initializing');
    expect(serverOf({ instance: { ...instance, isShuttingDown: true } })).toBe('shutting_down');
  });

  it('is told with its port, or why there is none', () => {
    expect(loadingStatus(ready)).toEqual({ model: 'qwen3', status: 'ready', port: 8085 });
    expect(loadingStatus(modelView())).toEqual({ model: 'qwen3', status: 'off', detail: 'The model is off.' });
  });
});

describe('video memory', () => {
  const models = [ready, modelView({ id: 'b' })];
  const snapshot = snapshotOf({ memory, models, instance: { ...snapshotOf().instance, maxLoaded: 3 } });

  it('has the keys that dashboards read', () => {
    expect(vramView(snapshot, snapshot.models)).toEqual({
      gpu_info: {
        total_mb: 16_384,
        total_gb: 16,
        used_mb: 6144,
        used_gb: 6,
        free_mb: 10_240,
        free_gb: 10,
        usage_percentage: 37.5,
        baseline_used_mb: 2048,
      },
      tracked_models_count: 2,
      loaded_models_count: 1,
      total_allocated_by_models_mb: 4096,
      total_allocated_by_models_gb: 4,
      models: [
        {
          model_alias: 'qwen3',
          port: 8085,
          status: 'ready',
          vram_used_mb: 4096,
          vram_used_gb: 4,
          average_usage_mb: 4096,
          load_duration_sec: 2.5,
          vram_percentage: 25,
        },
      ],
      can_load_more: true,
      estimated_free_for_new_model_mb: 10_240,
      estimated_free_for_new_model_gb: 10,
      status: 'healthy',
    });
    expect(vramSummary(snapshot, snapshot.models)).toMatchObject({ loaded_models: ['qwen3'], free_gb: 10 });
  });

  it('is system memory where there is no GPU', () => {
    const devices = memory.devices.slice(1);
    expect(vramView({ ...snapshot, memory: { ...memory, devices } }, [])).toMatchObject({ gpu_info: { total_gb: 64 } });
  });

  it('is zero where nothing is known yet', () => {
    expect(vramView({ ...snapshot, memory: { isGameMode: false, devices: [] } }, [])).toMatchObject({
      gpu_info: { total_mb: 0, usage_percentage: 0 },
      status: 'critical',
    });
  });

  it('takes the average of earlier runs where it was measured', () => {
    const needHistory = {
      predictedBytes: {},
      measuredBytes: { CUDA0: 3 * GIB, RAM: GIB },
      loadTimesMs: [],
      tokensPerSecond: null,
    };
    expect(modelVram({ ...ready, needHistory }, memory).average_usage_mb).toBe(3072);
  });

  it.each([
    [1000, 'healthy'],
    [999, 'warning'],
    [500, 'warning'],
    [499, 'critical'],
  ])('%d MB free is %s', (freeMb, status) => {
    expect(vramStatus(freeMb)).toBe(status);
  });

  it('has no room beyond the limit of models', () => {
    const full = snapshotOf({ memory, models: [ready], instance: { ...snapshot.instance, maxLoaded: 1 } });
    expect(vramView(full, full.models)).toMatchObject({ can_load_more: false });
  });
});
