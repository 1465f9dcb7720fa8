import type { ModelConfig } from '../config/resolved-config.ts';
import { RAM, type ModelNeed, type NeedSource } from './device-facts.ts';
import { needBytes, type DeviceNeed } from './estimate-need.ts';

const MIB = 1024 * 1024;
/** The program, its libraries and what it reads requests into; measured 45 to 70 MiB on build 11669. */
const PROGRAM_BYTES = 64 * MIB;
/** What a driver takes of a GPU for a process before its first buffer: CUDA 12 some 300 to 500 MiB, Vulkan and Metal less. */
const DRIVER_BYTES = 400 * MIB;

/** Beyond this a model is given what its configuration asks for, not more: one chat of that length costs gigabytes. */
const LARGEST_AUTOMATIC_CONTEXT = 32_768;
const SMALLEST_AUTOMATIC_CONTEXT = 4096;

/**
 * Contexts to try where the configuration leaves that to Corral, the largest first: what the model was trained with, 32k at
 * most, halved down to 4k. A configured one is the only one; 0 and what the arguments say stay llama-server's business. Pure.
 */
export function automaticContexts(
  model: Extract<ModelConfig, { kind: 'file' }>,
  trainedContextSize: number,
): readonly (number | undefined)[] {
  if (!isContextAutomatic(model)) return [model.contextSize];
  const largest = Math.min(Math.max(trainedContextSize, 1), LARGEST_AUTOMATIC_CONTEXT);
  const contexts = [largest];
  for (let size = largest / 2; size >= SMALLEST_AUTOMATIC_CONTEXT; size /= 2) contexts.push(Math.floor(size));
  return contexts;
}

/** Whether nobody but Corral says how large the context is. Pure. */
export function isContextAutomatic(model: ModelConfig): boolean {
  return (
    model.kind === 'file' &&
    model.contextSize === undefined &&
    !model.args.some((argument) => /^(?:-c|--ctx-size(?:=.*)?)$/.test(argument))
  );
}

/** What device by device is known of a model, as placement asks for it. Pure. */
export function modelNeed(options: {
  model: ModelConfig;
  source: NeedSource;
  /** With all of its layers on one accelerator, where there is one; RAM among them. */
  perDevice: readonly DeviceNeed[];
  onProcessor: readonly DeviceNeed[];
  /** The same on one and on two accelerators. */
  spread?: { readonly one: readonly DeviceNeed[]; readonly two: readonly DeviceNeed[] } | undefined;
  contextSize?: number | undefined;
}): ModelNeed {
  const { model, source, perDevice, onProcessor, spread, contextSize } = options;
  const accelerators = perDevice.filter(({ device, ...bytes }) => device !== RAM && needBytes(bytes) > 0);
  const offloaded = accelerators.reduce((sum, each) => sum + needBytes(each), 0);
  // What a command's process takes is measured whole.
  const program = model.kind === 'file' ? PROGRAM_BYTES : 0;
  const more = spread === undefined ? 0 : Math.max(0, onAccelerators(spread.two) - onAccelerators(spread.one));
  const gpuLayers = model.kind === 'file' ? model.gpuLayers : 'auto';
  const isOnProcessor = model.kind === 'file' ? gpuLayers === 0 : offloaded === 0;
  return {
    source,
    offloadedBytes: offloaded === 0 ? 0 : offloaded + DRIVER_BYTES * accelerators.length,
    perDeviceBytes: DRIVER_BYTES + more,
    hostBytes: inRam(perDevice) + program,
    cpuBytes: inRam(onProcessor) + program,
    offload: isOnProcessor ? 'none' : gpuLayers === 'all' ? 'all' : 'auto',
    devices: model.kind === 'file' ? model.devices : [],
    ...(contextSize === undefined ? {} : { contextSize }),
  };
}

function onAccelerators(needs: readonly DeviceNeed[]): number {
  return needs.filter(({ device }) => device !== RAM).reduce((sum, each) => sum + needBytes(each), 0);
}

function inRam(needs: readonly DeviceNeed[]): number {
  return needs.filter(({ device }) => device === RAM).reduce((sum, each) => sum + needBytes(each), 0);
}
