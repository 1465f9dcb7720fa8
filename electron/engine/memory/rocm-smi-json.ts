import { probeFailure } from './probe-failure.ts';
import { namedText, parsePciAddress, parseSizeWithUnit, parseToolJson } from './tool-values.ts';

/**
 * `rocm-smi --showmeminfo vram --showproductname --showbus --json`: an object of cards, every value text, bytes. The keys'
 * capitals changed between versions (`Card series`, `Card Series`). Source: rocm_smi.py. Pure.
 */
export interface RocmSmiCard {
  readonly name: string;
  readonly pciAddress: string | undefined;
  readonly totalBytes: number;
  readonly freeBytes: number | undefined;
}

/** In PCI order as the tool has them; without those that tell no memory. Throws `probe-failed`. */
export function parseRocmSmi(text: string): readonly RocmSmiCard[] {
  const json = parseToolJson(text, 'rocm-smi');
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw probeFailure('rocm-smi printed no object of cards', { said: text });
  }
  return Object.entries(json).flatMap(([key, card]: [string, unknown]) => {
    if (!/^card\d+$/.test(key)) return []; // `system`
    const fields = new Map(
      typeof card === 'object' && card !== null
        ? Object.entries(card).map(([name, value]: [string, unknown]) => [name.toLowerCase(), value])
        : [],
    );
    const textOf = (field: string): string | undefined => namedText(fields.get(field));
    const totalBytes = parseSizeWithUnit(textOf('vram total memory (b)') ?? '');
    const usedBytes = parseSizeWithUnit(textOf('vram total used memory (b)') ?? '');
    if (totalBytes === undefined || totalBytes === 0) return [];
    return [
      {
        name: textOf('card series') ?? textOf('card model') ?? textOf('device name') ?? 'AMD GPU',
        pciAddress: parsePciAddress(textOf('pci bus') ?? ''),
        totalBytes,
        freeBytes: usedBytes === undefined ? undefined : Math.max(0, totalBytes - usedBytes),
      },
    ];
  });
}
