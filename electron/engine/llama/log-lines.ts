/**
 * Facts in llama-server's log. Pure. Formats as of build 11669 and those of older builds that still go about; every
 * line may carry llama.cpp's prefix (time stamp and level) and colours.
 *
 * Build 11669 prints no share of the loaded model at any verbosity, hence `progress` comes from older builds only: they
 * print a row of a hundred dots.
 */

/** `projector` is the compute buffer of an mmproj, which goes by the name of the model's. */
export type MemoryPart = 'model' | 'kv' | 'recurrent' | 'compute' | 'output' | 'lora' | 'projector';

export type LogFact =
  /** The model is loaded and requests are answered. */
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'progress'; readonly progress: number }
  /** One buffer that was allocated. A device and part may come more than once; they add up. */
  | { readonly kind: 'buffer'; readonly part: MemoryPart; readonly device: string; readonly sizeBytes: number }
  /** The forecast before anything is allocated. */
  | {
      readonly kind: 'projected';
      readonly where: 'device' | 'host';
      readonly neededBytes: number;
      readonly availableBytes: number;
    }
  /** What the projector (mmproj) takes, weights and calculation together; the breakdown leaves it out. */
  | { readonly kind: 'projector'; readonly sizeBytes: number }
  /** A row of the breakdown: what this process takes on one device. Printed as a forecast at start, and at exit. */
  | {
      readonly kind: 'breakdown';
      readonly device: string;
      /** Undefined for the host, whose total the table leaves out. */
      readonly totalBytes: number | undefined;
      readonly freeBytes: number | undefined;
      readonly selfBytes: number;
      readonly modelBytes: number;
      readonly contextBytes: number;
      readonly computeBytes: number;
    }
  /** The process is about to give up, or says why. */
  | { readonly kind: 'fatal'; readonly text: string };

const MIB = 1024 * 1024;
const toBytes = (mib: string): number => Math.round(Number(mib) * MIB);

const parts: Readonly<Record<string, MemoryPart>> = {
  model: 'model',
  KV: 'kv',
  RS: 'recurrent',
  compute: 'compute',
  output: 'output',
  LoRA: 'lora',
};

const fatalPatterns: readonly RegExp[] = [
  /^error: (invalid|unknown) argument/,
  /^error while handling (argument|environment variable)/,
  /couldn't bind/,
  /exiting due to/,
  /error loading model/,
  /failed to (load|create_context with|create context with) model/,
  /out of memory|ErrorOutOfDeviceMemory|kIOGPUCommandBufferCallbackErrorOutOfMemory/i,
  /failed to allocate/,
  /^(CUDA|ROCm|HIP|SYCL|MUSA) error/,
  /GGML_ASSERT|GGML_ABORT|terminate called|Segmentation fault|Illegal instruction/,
  /error while loading shared libraries|^dyld(\[\d+\])?:/,
  /Exec format error|cannot execute binary file/,
];

/** The text of a line without colours, time stamp and level. */
export function stripLogPrefix(line: string): string {
  return line
    .replaceAll(/\u001b\[[0-9;]*m/g, '')
    .replace(/^\d+\.\d{2}\.\d{3}\.\d{3} [A-Z] /, '')
    .trim();
}

/** What a line says, if it is one of those that Corral acts on. */
export function parseLogLine(line: string): LogFact | undefined {
  const text = stripLogPrefix(line);
  // Not "HTTP server is listening", which older builds print before they load the model.
  const ready = /(?:^|\s)(?:llama_server|main): (?:server is )?listening on (\S+)/.exec(text);
  if (ready?.[1] !== undefined) return { kind: 'ready', address: ready[1] };
  if (/^\.{2,}$/.test(text)) return { kind: 'progress', progress: Math.min(text.length / 100, 1) };
  return parseBuffer(text) ?? parseProjection(text) ?? parseProjector(text) ?? parseBreakdown(text) ?? parseFatal(text);
}

/** `load_tensors:        CUDA0 model buffer size =  4096.00 MiB` */
function parseBuffer(text: string): LogFact | undefined {
  const match = /^\w+:\s+(\S+)\s+(model|KV|RS|compute|output|LoRA) buffer size\s*=\s*([\d.]+) MiB/.exec(text);
  const [, device, part, mib] = match ?? [];
  if (device === undefined || part === undefined || mib === undefined) return undefined;
  const isProjector = text.startsWith('reserve_compute_meta:');
  return {
    kind: 'buffer',
    part: isProjector ? 'projector' : (parts[part] ?? 'model'),
    device,
    sizeBytes: toBytes(mib),
  };
}

/** `common_params_fit_impl: projected to use 3635 MiB of device memory vs. 5150 MiB of free device memory` */
function parseProjection(text: string): LogFact | undefined {
  const match = /projected to use (\d+) MiB of (device|host) memory vs\. (\d+) MiB of (?:free|total)/.exec(text);
  const [, needed, where, available] = match ?? [];
  if (needed === undefined || where === undefined || available === undefined) return undefined;
  return {
    kind: 'projected',
    where: where === 'host' ? 'host' : 'device',
    neededBytes: toBytes(needed),
    availableBytes: toBytes(available),
  };
}

/** `srv    load_model: [mtmd] estimated worst-case memory usage of mmproj is 929.95 MiB (took 20.01 ms)` */
function parseProjector(text: string): LogFact | undefined {
  const mib = /\[mtmd\] estimated (?:worst-case )?memory usage of mmproj is ([\d.]+) MiB/.exec(text)?.[1];
  return mib === undefined ? undefined : { kind: 'projector', sizeBytes: toBytes(mib) };
}

/**
 * `…| - CUDA0 (RTX 4090) | 24080 = 18000 + (5432 = 4600 + 512 + 320) + 648 |` for a device,
 * `…| - Host | 10 = 1 + 2 + 5 |` for the host, where neither total nor free memory is given.
 */
function parseBreakdown(text: string): LogFact | undefined {
  const row = /memory_breakdown_print: \|\s+- (.+?)\s*\|\s*(.+?)\s*\|?$/.exec(text);
  const [, label, sums] = row ?? [];
  if (label === undefined || sums === undefined) return undefined;
  const inner = /(-?\d+) = +(-?\d+) \+ +(-?\d+) \+ +(-?\d+)\)?/.exec(sums);
  const [, self, model, context, compute] = inner ?? [];
  if (self === undefined || model === undefined || context === undefined || compute === undefined) return undefined;
  const [, total, free] = /^(\d+) = +(\d+) \+ +\(/.exec(sums) ?? [];
  return {
    kind: 'breakdown',
    device: label.replace(/\s*\(.*\)$/, ''),
    totalBytes: total === undefined ? undefined : toBytes(total),
    freeBytes: free === undefined ? undefined : toBytes(free),
    selfBytes: toBytes(self),
    modelBytes: toBytes(model),
    contextBytes: toBytes(context),
    computeBytes: toBytes(compute),
  };
}

function parseFatal(text: string): LogFact | undefined {
  return fatalPatterns.some((pattern) => pattern.test(text)) ? { kind: 'fatal', text } : undefined;
}
