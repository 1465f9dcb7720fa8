import type { LogFact } from '../llama/log-lines.ts';
import { needBytes, type DeviceNeed } from './estimate-need.ts';
import { systemMemory } from './place-layers.ts';

/**
 * What a process of llama-server takes by its own account: its forecast before it allocates, and the buffers it allocated.
 * Pure but for what it has heard. Needs the lines of `--log-verbosity 4`.
 */
export interface NeedMeter {
  /** Every fact of one process, in order. */
  hear(fact: LogFact): void;
  /**
   * What the arguments ask for, before `--fit` changes any; undefined if the server did not say. It forecasts again with
   * smaller arguments to see how much they save, and not once more with those it takes in the end.
   */
  forecast(): readonly DeviceNeed[] | undefined;
  /** The sum of the buffers so far; complete once the process is ready. Undefined before the first. */
  measured(): readonly DeviceNeed[] | undefined;
  /**
   * Whether a device got clearly less than was forecast, because `--fit` gave up context or moved layers. What was measured
   * then depends on the memory that was free, and says little about the next start.
   */
  isShrunk(): boolean;
}

interface Sums {
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
}

type Part = keyof Sums;

const partOf: Readonly<Record<Extract<LogFact, { kind: 'buffer' }>['part'], Part>> = {
  model: 'weightsBytes',
  lora: 'weightsBytes',
  kv: 'kvBytes',
  recurrent: 'kvBytes',
  compute: 'computeBytes',
  output: 'computeBytes',
  projector: 'computeBytes',
};

/** Forecasts are in whole MiB a part, and compute buffers turn out a little smaller or larger. */
const tolerancePart = 0.1;
const toleranceBytes = 16 * 1024 * 1024;

export function createNeedMeter(): NeedMeter {
  const tables: Map<string, Sums>[] = [];
  let rowLabels = new Set<string>();
  const buffers = new Map<string, Sums>();
  const remoteLabels: string[] = [];
  let projectorBytes = 0;
  let projectorComputeBytes = 0;
  let hasMappedRam = false;

  const hearRow = (fact: Extract<LogFact, { kind: 'breakdown' }>): void => {
    // Rows at exit repeat the buffers, in whole MiB.
    if (buffers.size > 0) return;
    // A device that comes again begins a new table.
    if (tables.length === 0 || rowLabels.has(fact.device)) {
      tables.push(new Map());
      rowLabels = new Set();
    }
    rowLabels.add(fact.device);
    const sums = sumsOf(tables.at(-1) ?? new Map<string, Sums>(), deviceOf(fact.device));
    sums.weightsBytes += fact.modelBytes;
    sums.kvBytes += fact.contextBytes;
    sums.computeBytes += fact.computeBytes;
  };

  const hearBuffer = (fact: Extract<LogFact, { kind: 'buffer' }>): void => {
    if (fact.part === 'projector') projectorComputeBytes += fact.sizeBytes;
    let label = fact.device;
    // Each RPC worker numbers its own devices: `RPC0[10.0.0.2:50052]`. The server counts them in their order.
    if (/^RPC\d*\[/.test(label)) {
      if (!remoteLabels.includes(label)) remoteLabels.push(label);
      label = `RPC${remoteLabels.indexOf(label)}`;
    }
    const device = deviceOf(label);
    if (device === systemMemory && label.endsWith('_Mapped')) hasMappedRam = true;
    sumsOf(buffers, device)[partOf[fact.part]] += fact.sizeBytes;
  };

  const largestTable = (): ReadonlyMap<string, Sums> | undefined =>
    [...tables].sort((one, other) => totalOf(other) - totalOf(one))[0];

  const forecast = (): DeviceNeed[] | undefined => {
    const table = largestTable();
    return table === undefined ? undefined : withProjector(table, projectorBytes);
  };

  const measured = (): DeviceNeed[] | undefined => {
    if (buffers.size === 0) return undefined;
    const sums = new Map([...buffers].map(([device, need]) => [device, { ...need }]));
    const ram = sums.get(systemMemory);
    const table = largestTable();
    // A mapping may reach over tensors between its own that went to a GPU. What all devices have stays the same.
    if (hasMappedRam && ram !== undefined && table !== undefined) {
      const elsewhere = weightsOf(sums) - ram.weightsBytes;
      ram.weightsBytes = Math.min(ram.weightsBytes, Math.max(0, weightsOf(table) + toleranceBytes - elsewhere));
    }
    // What the projector calculates with was among the buffers.
    return withProjector(sums, Math.max(0, projectorBytes - projectorComputeBytes));
  };

  return {
    hear(fact) {
      if (fact.kind === 'breakdown') hearRow(fact);
      if (fact.kind === 'projector') projectorBytes = fact.sizeBytes;
      if (fact.kind === 'buffer') hearBuffer(fact);
    },
    forecast,
    measured,
    isShrunk() {
      const got = measured();
      if (got === undefined) return false;
      const gotBytes = new Map(got.map((need) => [need.device, needBytes(need)]));
      return (forecast() ?? []).some((need) => {
        const asked = needBytes(need);
        return (gotBytes.get(need.device) ?? 0) < asked * (1 - tolerancePart) - toleranceBytes;
      });
    },
  };
}

function totalOf(table: ReadonlyMap<string, Sums>): number {
  return [...table.values()].reduce((sum, need) => sum + needBytes(need), 0);
}

function weightsOf(table: ReadonlyMap<string, Sums>): number {
  return [...table.values()].reduce((sum, need) => sum + need.weightsBytes, 0);
}

/** The server names the projector's memory in one sum, and puts all of it on the first GPU. */
function withProjector(sums: ReadonlyMap<string, Sums>, projectorBytes: number): DeviceNeed[] {
  const devices = [...sums.keys()];
  const holder = devices.find((device) => device !== systemMemory) ?? systemMemory;
  return devices
    .sort((one, other) => Number(other === systemMemory) - Number(one === systemMemory))
    .map((device) => {
      const need = sums.get(device) ?? { weightsBytes: 0, kvBytes: 0, computeBytes: 0 };
      return { device, ...need, weightsBytes: need.weightsBytes + (device === holder ? projectorBytes : 0) };
    });
}

function sumsOf(sums: Map<string, Sums>, device: string): Sums {
  const known = sums.get(device);
  if (known !== undefined) return known;
  const fresh = { weightsBytes: 0, kvBytes: 0, computeBytes: 0 };
  sums.set(device, fresh);
  return fresh;
}

/**
 * `CPU`, `CPU_Mapped`, `CPU_REPACK`, `Host` and the host buffers of GPUs (`CUDA_Host`) are the RAM; `CUDA0` and
 * `MTL0_Mapped` are devices, by the name before the ornament.
 */
function deviceOf(label: string): string {
  if (/^(CPU|Host|AMX|BLAS|KleidiAI)/i.test(label) || label.endsWith('_Host')) return systemMemory;
  return label.replace(/_(Mapped|Private|Split)$/, '');
}
