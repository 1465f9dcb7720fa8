/** A GPU as nvidia-smi knows it. */
export interface CudaCandidate {
  readonly uuid: string;
  readonly name: string;
}

/**
 * llama.cpp's name (`CUDA0`, …) of each GPU, by its uuid, as far as it can be told without asking llama.cpp. `gpus` are in
 * PCI order.
 *
 * CUDA numbers by speed first (`CUDA_DEVICE_ORDER=FASTEST_FIRST` is the default), and how it ranks unequal GPUs is not
 * documented: they get a name only if the order is PCI_BUS_ID. Equal GPUs keep their PCI order. CUDA_VISIBLE_DEVICES hides
 * and reorders, by number or by (the beginning of) a uuid, up to the first entry that is none. An instance of a divided GPU
 * is visible to CUDA only alone or by its uuid.
 * Source: CUDA C++ Programming Guide, "CUDA Environment Variables". Pure.
 */
export function decideCudaIds(
  gpus: readonly CudaCandidate[],
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const hasInstances = gpus.some((gpu) => gpu.uuid.startsWith('MIG-'));
  const isOrderKnown =
    gpus.length === 1 ||
    (!hasInstances && (env['CUDA_DEVICE_ORDER'] === 'PCI_BUS_ID' || new Set(gpus.map((gpu) => gpu.name)).size === 1));
  const visible = env['CUDA_VISIBLE_DEVICES'];
  const entries = visible === undefined ? gpus.map((_gpu, index) => String(index)) : visible.split(',');

  const ids = new Map<string, string>();
  for (const [position, entry] of entries.entries()) {
    const wanted = entry.trim();
    if (/^\d+$/.test(wanted)) {
      const gpu = gpus[Number(wanted)];
      if (gpu === undefined) break;
      if (isOrderKnown) ids.set(gpu.uuid, `CUDA${position}`);
    } else {
      const matching = /^(GPU|MIG)-/.test(wanted) ? gpus.filter((candidate) => candidate.uuid.startsWith(wanted)) : [];
      const [gpu] = matching;
      if (gpu === undefined || matching.length > 1) break;
      ids.set(gpu.uuid, `CUDA${position}`);
    }
  }
  return ids;
}
