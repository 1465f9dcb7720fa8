import { assertNever } from '#shared/lib/assert-never.ts';
import type { DeviceReading } from '../ports/memory-probe.ts';
import { probeFailure } from './probe-failure.ts';
import { BYTES_PER_MIB } from './tool-values.ts';

/** Devices of Vulkan that compute on the processor. */
const softwareNames = /llvmpipe|lavapipe|swiftshader|softpipe|software rasterizer/i;

/**
 * `llama-server --list-devices`: after a heading, `  CUDA0: NVIDIA GeForce RTX 4090 (24080 MiB, 23500 MiB free)` a device, or
 * `  (none)`; older builds print nothing where this one prints that. The processor is not among them. The line has been the
 * same since the option came (early 2025); backends print lines of their own before the heading. Devices without memory of
 * their own (BLAS) and software that plays a GPU are left out. Throws `probe-failed`. Source: llama.cpp, common/arg.cpp. Pure.
 */
export function parseListedDevices(text: string): readonly DeviceReading[] {
  const lines = text.split(/\r?\n/);
  const heading = lines.findIndex((line) => /^(available )?devices:\s*$/i.test(line));
  if (heading === -1) throw probeFailure('llama-server --list-devices printed no list of devices', { said: text });
  return lines.slice(heading + 1).flatMap((line) => {
    const match = /^\s+(\S{1,200}?): (.*) \((\d{1,9}) MiB, (\d{1,9}) MiB free\)\s*$/.exec(line);
    const [, id, name = '', total, free] = match ?? [];
    if (id === undefined) {
      if (/^\s+\S+: .*MiB/.test(line)) {
        throw probeFailure('llama-server --list-devices printed a device that is not understood', { said: line });
      }
      return [];
    }
    const totalBytes = Number(total) * BYTES_PER_MIB;
    if (totalBytes === 0 || softwareNames.test(name)) return [];
    const vendor = vendorOf(id, name);
    return [
      {
        id,
        kind: isIntegrated(vendor, name) ? ('unified' as const) : ('gpu' as const),
        vendor,
        name: name.trim(),
        uuid: undefined,
        pciAddress: undefined,
        totalBytes,
        // Some drivers report more free than there is (budgets of Vulkan).
        freeBytes: Math.min(Number(free) * BYTES_PER_MIB, totalBytes),
        usedByPid: undefined,
      },
    ];
  });
}

/** The backend of a device: its name without the number at the end. */
export function backendOf(deviceId: string): string {
  return deviceId.replace(/\d+$/, '');
}

function vendorOf(id: string, name: string): DeviceReading['vendor'] {
  const backend = backendOf(id).toLowerCase();
  if (backend === 'cuda') return 'nvidia';
  if (backend === 'rocm') return 'amd';
  if (backend.startsWith('rpc')) return 'other'; // Another machine's, whatever it is called.
  if (/nvidia|geforce|quadro|tesla/i.test(name)) return 'nvidia';
  if (/\bamd\b|radeon|instinct/i.test(name)) return 'amd';
  if (/\bintel\b|\barc\b/i.test(name) || backend === 'sycl') return 'intel';
  return /\bapple\b/i.test(name) || backend === 'mtl' || backend === 'metal' ? 'apple' : 'other';
}

/**
 * Whether a GPU of this name works in system memory; the list itself does not tell. It is what makes a processor's graphics
 * offer more memory than the card beside it.
 */
function isIntegrated(vendor: DeviceReading['vendor'], name: string): boolean {
  const plain = name.replace(/\((r|tm)\)/gi, '').replace(/\s+/g, ' ');
  switch (vendor) {
    case 'apple':
      return true;
    case 'nvidia':
      return /\b(GB10|Orin|Xavier|Tegra|Thor)\b/i.test(plain);
    case 'amd':
      return /Radeon (Vega \d+ )?(Mobile )?Graphics|Radeon \d{3}M\b|Radeon 8\d{3}S\b/i.test(plain);
    case 'intel':
      return /\b(UHD|HD|Iris|Xe) .*Graphics|Arc( \d{3}[VT])? Graphics|^Intel Graphics/i.test(plain);
    case 'other':
    case 'system':
      return false;
    default:
      return assertNever(vendor);
  }
}
