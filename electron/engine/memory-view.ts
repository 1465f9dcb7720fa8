import type { LoadPlanView, MemoryView, NeedView } from '#shared/contract/memory.ts';
import type { ModelView } from '#shared/contract/snapshot.ts';
import { needBytes, type DeviceNeed } from './memory/estimate-need.ts';
import type { LearnedNeed } from './memory/look-up-need.ts';
import type { DeviceBytes, DeviceFacts, ModelNeed } from './memory/device-facts.ts';
import type { MemoryDevice } from './memory/merge-devices.ts';
import type { LoadPlan } from './scheduler/load-plan.ts';

/** Devices as the contract shows them. Pure. */
export function memoryView(options: {
  read: readonly MemoryDevice[];
  facts: readonly DeviceFacts[];
  reserved: ReadonlyMap<string, DeviceBytes>;
  isGameMode: boolean;
}): MemoryView {
  const { read, facts, reserved, isGameMode } = options;
  const devices = read.flatMap((device) => {
    // What llama-server does not offer is of no use to models; before it has told, all is shown.
    if (device.isListed === false) return [];
    const fact = facts.find(({ id }) => id === device.id);
    const models = [...reserved].flatMap(([model, bytes]) => {
      const held = bytes.get(device.id) ?? 0;
      return held === 0 ? [] : [{ model, bytes: Math.round(held) }];
    });
    return [
      {
        id: device.id,
        name: device.name,
        kind: device.kind,
        totalBytes: device.totalBytes,
        freeBytes: device.freeBytes ?? null,
        budgetBytes: fact?.budgetBytes ?? device.totalBytes,
        usedByOthersBytes: Math.round(
          fact?.usedByOthersBytes ?? device.totalBytes - (device.freeBytes ?? device.totalBytes),
        ),
        models,
        isStale: device.isStale,
        problem: device.problem ?? null,
      },
    ];
  });
  return { devices, isGameMode };
}

export function needView(need: ModelNeed): NeedView {
  return {
    source: need.source,
    offloadedBytes: Math.round(need.offloadedBytes),
    hostBytes: Math.round(need.hostBytes),
    cpuBytes: Math.round(need.cpuBytes),
    contextSize: need.contextSize ?? null,
  };
}

export function needHistoryView(history: LearnedNeed): NonNullable<ModelView['needHistory']> {
  const bytesOf = (needs: readonly DeviceNeed[]): Record<string, number> =>
    Object.fromEntries(needs.map((need) => [need.device, needBytes(need)]));
  return {
    predictedBytes: bytesOf(history.predicted),
    measuredBytes: history.measured === null ? null : bytesOf(history.measured),
    loadTimesMs: [...history.loadTimesMs],
    tokensPerSecond: history.tokensPerSecond,
  };
}

/** A plan as the contract shows it. Pure. */
export function loadPlanView(plan: LoadPlan): LoadPlanView {
  return {
    model: plan.modelId,
    isLoaded: plan.isLoaded,
    outcome: plan.outcome,
    need: plan.need === undefined ? null : needView(plan.need),
    placement: roundedBytes(plan.bytes),
    freeBytes: roundedBytes(plan.free),
    ejects: plan.ejects.map(({ modelId, reason, bytes }) => ({ model: modelId, reason, bytes: roundedBytes(bytes) })),
    keeps: [...plan.keeps],
    waitsFor: [...plan.waitsFor],
    expectedLoadMs: plan.expectedLoadMs === 0 ? null : Math.round(plan.expectedLoadMs),
    problem: plan.problem ?? null,
  };
}

export function roundedBytes(bytes: DeviceBytes): Record<string, number> {
  return Object.fromEntries([...bytes].map(([device, each]) => [device, Math.max(0, Math.round(each))]));
}
