import type { DeviceView, LoadPlanView, NeedView } from '#shared/contract/memory.ts';
import type { ModelView, Snapshot } from '#shared/contract/snapshot.ts';
import { modelView, snapshotOf } from '../../../fakes/views.ts';

export const READY_ENGINE: Snapshot['engine'] = {
  status: 'ready',
  build: { id: 'b9999', executable: '/opt/llama-server', origin: 'path' },
};

/** A snapshot with a llama-server and one GPU. */
export function herd(models: readonly ModelView[], changes: Partial<Snapshot> = {}): Snapshot {
  return snapshotOf({
    engine: READY_ENGINE,
    models: [...models],
    memory: { devices: [gpu(), ram()], isGameMode: false },
    ...changes,
  });
}

export function gpu(changes: Partial<DeviceView> = {}): DeviceView {
  return {
    id: 'CUDA0',
    name: 'RTX 4090',
    kind: 'gpu',
    totalBytes: 24e9,
    freeBytes: 9.1e9,
    budgetBytes: 23e9,
    usedByOthersBytes: 1.2e9,
    models: [],
    isStale: false,
    problem: null,
    ...changes,
  };
}

export function ram(changes: Partial<DeviceView> = {}): DeviceView {
  return gpu({
    id: 'RAM',
    name: 'System memory',
    kind: 'ram',
    totalBytes: 64e9,
    freeBytes: 40e9,
    usedByOthersBytes: 20e9,
    ...changes,
  });
}

export function need(bytes: number, source: NeedView['source'] = 'estimate'): NeedView {
  return { source, offloadedBytes: bytes, hostBytes: 0, cpuBytes: bytes, contextSize: null };
}

export function plan(model: string, changes: Partial<LoadPlanView> = {}): LoadPlanView {
  return {
    model,
    isLoaded: false,
    outcome: 'fits',
    need: need(5.1e9),
    placement: { CUDA0: 5.1e9 },
    freeBytes: { CUDA0: 9e9 },
    ejects: [],
    keeps: [],
    waitsFor: [],
    expectedLoadMs: 2000,
    problem: null,
    ...changes,
  };
}

/** A model that is loaded and whose memory was measured. */
export function loaded(id: string, changes: Partial<ModelView> = {}): ModelView {
  return modelView({
    id,
    state: 'ready',
    need: need(8.4e9, 'measured'),
    reservedBytes: { CUDA0: 8.4e9 },
    ...changes,
  });
}
