import { parsePciAddress, parsePid, parseSizeWithUnit } from './tool-values.ts';

/**
 * Instances of GPUs that are divided (MIG). Their memory is in `nvidia-smi -q -x` only, their uuids and profiles in
 * `nvidia-smi -L` only; the two are joined by GPU and the number of the instance. Source: nvsmi_device_v12.dtd. Pure.
 */
export interface MigInstance {
  readonly uuid: string;
  readonly pciAddress: string | undefined;
  readonly name: string;
  readonly totalBytes: number;
  readonly freeBytes: number | undefined;
  readonly usedByPid: ReadonlyMap<number, number> | undefined;
}

/** An instance that lacks its uuid or its size is left out: nothing could be placed there. */
export function parseMigInstances(xml: string, listing: string): readonly MigInstance[] {
  const listed = parseListing(listing);
  return blocksOf(xml, 'gpu').flatMap((gpu) => {
    const gpuUuid = textOf(withoutBlocks(gpu.body, 'mig_devices'), 'uuid') ?? '';
    const product = textOf(gpu.body, 'product_name') ?? 'NVIDIA GPU';
    const processes = blocksOf(gpu.body, 'process_info').map((block) => block.body);
    return blocksOf(blocksOf(gpu.body, 'mig_devices')[0]?.body ?? '', 'mig_device').flatMap(({ body }) => {
      const named = listed.get(`${gpuUuid} ${textOf(body, 'index') ?? ''}`);
      const memory = blocksOf(body, 'fb_memory_usage')[0]?.body ?? '';
      const totalBytes = parseSizeWithUnit(textOf(memory, 'total') ?? '');
      if (named === undefined || totalBytes === undefined || totalBytes === 0) return [];
      return [
        {
          uuid: named.uuid,
          pciAddress: parsePciAddress(/id="([^"]*)"/.exec(gpu.attributes)?.[1] ?? ''),
          name: `${product} MIG ${named.profile}`,
          totalBytes,
          freeBytes: parseSizeWithUnit(textOf(memory, 'free') ?? ''),
          usedByPid: usedBy(
            processes.filter((process) =>
              ['gpu_instance_id', 'compute_instance_id'].every((tag) => textOf(process, tag) === textOf(body, tag)),
            ),
          ),
        },
      ];
    });
  });
}

function usedBy(processes: readonly string[]): ReadonlyMap<number, number> | undefined {
  const used = new Map<number, number>();
  for (const process of processes) {
    const pid = parsePid(textOf(process, 'pid') ?? '');
    const usedBytes = parseSizeWithUnit(textOf(process, 'used_memory') ?? '');
    if (pid === undefined || usedBytes === undefined) return undefined;
    used.set(pid, (used.get(pid) ?? 0) + usedBytes);
  }
  return used;
}

/**
 * `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-…)`, and beneath it `  MIG 3g.20gb     Device  0: (UUID: MIG-…)`; by the uuid of
 * the GPU and the number of the instance.
 */
function parseListing(listing: string): ReadonlyMap<string, { readonly uuid: string; readonly profile: string }> {
  const found = new Map<string, { uuid: string; profile: string }>();
  let gpuUuid = '';
  for (const line of listing.split(/\r?\n/)) {
    const gpu = /^GPU \d+: .*\(UUID: (GPU-[\w-]+)\)/.exec(line);
    if (gpu !== null) gpuUuid = gpu[1] ?? '';
    const [, profile, index, uuid] = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[\w/-]+)\)/.exec(line) ?? [];
    if (profile !== undefined && index !== undefined && uuid !== undefined) {
      found.set(`${gpuUuid} ${index}`, { uuid, profile });
    }
  }
  return found;
}

interface Block {
  readonly attributes: string;
  readonly body: string;
}

/** Elements of a name that do not nest in each other, at any depth. nvidia-smi's XML has no comments and no CDATA. */
function blocksOf(xml: string, tag: string): readonly Block[] {
  const blocks: Block[] = [];
  const opening = new RegExp(`<${tag}(\\s[^<>]*)?>`, 'g');
  for (let match = opening.exec(xml); match !== null; match = opening.exec(xml)) {
    const end = xml.indexOf(`</${tag}>`, opening.lastIndex);
    if (end === -1) break;
    blocks.push({ attributes: match[1] ?? '', body: xml.slice(opening.lastIndex, end) });
    opening.lastIndex = end;
  }
  return blocks;
}

function withoutBlocks(xml: string, tag: string): string {
  return blocksOf(xml, tag).reduce((rest, block) => rest.replace(block.body, () => ''), xml);
}

function textOf(xml: string, tag: string): string | undefined {
  return blocksOf(xml, tag)[0]?.body.trim();
}
