import type { LogFact } from '../llama/log-lines.ts';
import type { DeviceNeed } from './estimate-need.ts';
import { systemMemory } from './place-layers.ts';

/**
 * What a process of llama-server takes by its own account: its forecast before it allocates, and the buffers it allocated.
 * Pure but for what it has heard. Needs the lines of `--log-verbosity 4`.
 */
export interface NeedMeter {
  /** Every fact of one process, in order. */
  hear(fact: LogFact): void;
  /** The last forecast before the first buffer, that is after `--fit` was done; undefined if there was none. */
  forecast(): readonly DeviceNeed[] | undefined;
  /** The sum of the buffers so far; complete once the process is ready. Undefined before the first. */
  measured(): readonly DeviceNeed[] | undefined;
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

export function createNeedMeter(): NeedMeter {
  let rows = new Map<string, Sums>();
  let rowLabels = new Set<string>();
  let projectorBytes = 0;
  let projectorComputeBytes = 0;
  const buffers = new Map<string, Sums>();
  let hasMappedRam = false;

  const hearRow = (fact: Extract<LogFact, { kind: 'breakdown' }>): void => {
    // Rows at exit repeat the buffers, in whole MiB.
    if (buffers.size > 0) return;
    // A device that comes again begins a new table: the server forecasts once more with other arguments.
    if (rowLabels.has(fact.device)) {
      rows = new Map();
      rowLabels = new Set();
    }
    rowLabels.add(fact.device);
    const sums = sumsOf(rows, deviceOf(fact.device));
    sums.weightsBytes += fact.modelBytes;
    sums.kvBytes += fact.contextBytes;
    sums.computeBytes += fact.computeBytes;
  };

  return {
    hear(fact) {
      if (fact.kind === 'breakdown') hearRow(fact);
      if (fact.kind === 'projector') projectorBytes = fact.sizeBytes;
      if (fact.kind !== 'buffer') return;
      if (fact.part === 'projector') projectorComputeBytes += fact.sizeBytes;
      const device = deviceOf(fact.device);
      if (device === systemMemory && fact.device.endsWith('_Mapped')) hasMappedRam = true;
      sumsOf(buffers, device)[partOf[fact.part]] += fact.sizeBytes;
    },
    forecast: () => (rows.size === 0 ? undefined : withProjector(rows, projectorBytes)),
    measured() {
      if (buffers.size === 0) return undefined;
      const sums = new Map([...buffers].map(([device, need]) => [device, { ...need }]));
      const ram = sums.get(systemMemory);
      const foreseen = rows.get(systemMemory);
      // A mapping reaches from the first to the last tensor in the RAM, over those between them that went to a GPU.
      if (hasMappedRam && ram !== undefined && foreseen !== undefined && sums.size > 1) {
        ram.weightsBytes = Math.min(ram.weightsBytes, foreseen.weightsBytes);
      }
      // What it calculates with was among the buffers.
      return withProjector(sums, Math.max(0, projectorBytes - projectorComputeBytes));
    },
  };
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
 * `CPU`, `CPU_Mapped`, `CPU_REPACK`, `Host` and the host buffers of GPUs (`CUDA_Host`) are the RAM; `CUDA0`,
 * `MTL0_Mapped`, `RPC0[host:port]` are devices, by the name before the ornament.
 */
function deviceOf(label: string): string {
  if (/^(CPU|Host|AMX|BLAS|KleidiAI)/i.test(label) || label.endsWith('_Host')) return systemMemory;
  return label.replace(/\[.*$/, '').replace(/_(Mapped|Private|Split)$/, '');
}
