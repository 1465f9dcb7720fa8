import { formatSize } from '#shared/model/units.ts';
import type { ModelConfig } from '../config/resolved-config.ts';
import type { MemoryDevice } from './merge-devices.ts';

export interface DeviceProblem {
  /** As it is written in the file. */
  readonly path: string;
  readonly message: string;
}

/**
 * What a configuration says of devices that this machine does not have, or not so large. GPUs can be checked only once
 * llama-server has told their names (`isListKnown`). Pure.
 */
export function checkDevices(
  config: { readonly budgetsBytes: Readonly<Record<string, number>>; readonly models: Iterable<ModelConfig> },
  devices: readonly MemoryDevice[],
  isListKnown: boolean,
): DeviceProblem[] {
  const find = (name: string): MemoryDevice | undefined =>
    devices.find(({ id, aliases }) => id === name || aliases.includes(name));
  const names = devices.filter(({ kind, isListed }) => kind === 'ram' || isListed === true).map(({ id }) => id);
  const isUnknown = (name: string): boolean => isListKnown && find(name) === undefined;
  const known = `Devices of this machine: ${names.join(', ')}`;

  const budgets = Object.entries(config.budgetsBytes).flatMap(([name, bytes]): DeviceProblem[] => {
    const path = `memory.budgets.${name}`;
    if (isUnknown(name)) return [{ path, message: `is no device of this machine. ${known}` }];
    const device = find(name);
    if (device === undefined || bytes <= device.totalBytes) return [];
    return [{ path, message: `is more than ${name} has: ${formatSize(bytes)} of ${formatSize(device.totalBytes)}` }];
  });
  const models = [...config.models].flatMap((model) =>
    model.kind === 'file'
      ? model.devices.flatMap((name, index): DeviceProblem[] =>
          isUnknown(name) && !(model.rpc.length > 0 && isWorkerDevice(name))
            ? [
                {
                  path: `models.${model.id}.devices[${index}]`,
                  message: `is no device of this machine: ${name}. ${known}`,
                },
              ]
            : [],
        )
      : [],
  );
  return [...budgets, ...models];
}

/** llama-server numbers the devices of workers over all of them; what they are is not known before it runs. */
function isWorkerDevice(name: string): boolean {
  return /^RPC\d+$/.test(name);
}

/** Whether there is anything to check; a look at the devices costs time. */
export function mentionsDevices(config: Parameters<typeof checkDevices>[0]): boolean {
  return (
    Object.keys(config.budgetsBytes).length > 0 ||
    [...config.models].some((model) => model.kind === 'file' && model.devices.length > 0)
  );
}
