import { parsePciAddress, parseSizeWithUnit } from './tool-values.ts';

/** What one process holds through one opening of a GPU. */
export interface DrmClient {
  readonly pciAddress: string;
  /** Several files may be the same client, and then tell the same. */
  readonly clientId: string;
  /** In the GPU's own memory. */
  readonly deviceBytes: number;
  /** In system memory that the GPU works in. */
  readonly systemBytes: number;
}

/** From best to worst: what is really there, the older name of it, what was asked for. */
const measures = ['resident', 'memory', 'total'] as const;

/**
 * /proc/<pid>/fdinfo/<fd> of amdgpu, i915 and xe. The memory is in regions that each driver names: `vram` (amdgpu), `vram0` …
 * (xe), `local0` … (i915) on the GPU; `gtt`, `system`, `system0` beside it. Undefined if it is no GPU's file, or tells no
 * memory. Source: Linux, Documentation/gpu/drm-usage-stats.rst. Pure.
 */
export function parseDrmFdinfo(text: string): DrmClient | undefined {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (line.startsWith('drm-') && colon !== -1) values.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const pciAddress = parsePciAddress(values.get('drm-pdev') ?? '');
  if (pciAddress === undefined) return undefined;
  const regions = new Map<string, number>();
  for (const measure of measures.toReversed()) {
    for (const [key, value] of values) {
      const bytes = key.startsWith(`drm-${measure}-`) ? parseSizeWithUnit(value) : undefined;
      if (bytes !== undefined) regions.set(key.slice(`drm-${measure}-`.length), bytes);
    }
  }
  if (regions.size === 0) return undefined;
  const sumOf = (pattern: RegExp): number =>
    [...regions].reduce((sum, [region, bytes]) => (pattern.test(region) ? sum + bytes : sum), 0);
  return {
    pciAddress,
    clientId: values.get('drm-client-id') ?? '',
    deviceBytes: sumOf(/^(vram|local)\d*$/),
    systemBytes: sumOf(/^(gtt|system\d*)$/),
  };
}
