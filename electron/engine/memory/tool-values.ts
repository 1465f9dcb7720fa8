import { probeFailure } from './probe-failure.ts';

/** Reading figures as vendors' tools print them. */

export const BYTES_PER_KIB = 2 ** 10;
export const BYTES_PER_MIB = 2 ** 20;

/** Tools print MiB and write MB (amd-smi divides by 1024 twice and says "MB"): all units are taken as binary. */
const bytesPerUnit: Readonly<Record<string, number>> = {
  B: 1,
  KB: BYTES_PER_KIB,
  KIB: BYTES_PER_KIB,
  MB: BYTES_PER_MIB,
  MIB: BYTES_PER_MIB,
  GB: 2 ** 30,
  GIB: 2 ** 30,
};

/**
 * A number of memory units, whatever the locale did to it: `24564`, `24,564`, `24.564`, `24 564`, `1.234,5`, `1234.567`.
 * A single separator before exactly three digits groups them, because no tool prints memory with three decimals behind
 * fewer than four digits. Undefined if it is not a number of this kind; never negative.
 */
export function parseAmount(text: string): number | undefined {
  const plain = text.trim().replace(/[\s'’_]/gu, '');
  if (!/^\d[\d.,]*$/.test(plain) || plain.length > 32) return undefined;
  if (/^\d+$/.test(plain) || isGrouped(plain)) return Number(plain.replace(/[.,]/g, ''));
  const mark = Math.max(plain.lastIndexOf('.'), plain.lastIndexOf(','));
  const [whole, decimals] = [plain.slice(0, mark), plain.slice(mark + 1)];
  if (!/^\d+$/.test(decimals)) return undefined;
  if (!/^\d+$/.test(whole) && !(isGrouped(whole) && !whole.includes(plain.charAt(mark)))) return undefined;
  return Number(`${whole.replace(/[.,]/g, '')}.${decimals}`);
}

function isGrouped(text: string): boolean {
  return /^\d{1,3}(,\d{3})+$/.test(text) || /^\d{1,3}(\.\d{3})+$/.test(text);
}

/** An amount of `bytesPerOne` each as whole bytes. Undefined if it is no amount or more than any machine has. */
export function amountToBytes(amount: number | undefined, bytesPerOne: number): number | undefined {
  if (amount === undefined || !Number.isFinite(amount) || amount < 0) return undefined;
  const bytes = Math.round(amount * bytesPerOne);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `298 MiB`, `51200 KiB`, `0`: bytes without a unit. Undefined for all else, `N/A` among it. */
export function parseSizeWithUnit(text: string): number | undefined {
  // Bounded, because matching takes the square of the length where spaces are many.
  const match = text.length > 100 ? null : /^([\d.,\s'’]+?)\s*([KMG]i?B|B)?$/iu.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  return amountToBytes(parseAmount(match[1]), bytesPerUnit[(match[2] ?? 'B').toUpperCase()] ?? Number.NaN);
}

/** A process id: a positive whole number that any of our systems could have given. */
export function parsePid(text: string | number): number | undefined {
  const pid = typeof text === 'number' ? text : /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isInteger(pid) && pid > 0 && pid <= 0xffff_ffff ? pid : undefined;
}

/** `00000000:01:00.0`, `0000:01:00.0` and `01:00.0` as `0000:01:00.0`. Undefined if it is no PCI address. */
export function parsePciAddress(text: string): string | undefined {
  const match = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const [, domain = '0000', bus = '', device = '', fn = ''] = match;
  return `${domain.slice(-4)}:${bus}:${device}.${fn}`;
}

/** The JSON in what a tool printed, behind whatever warnings it printed first. Throws `probe-failed`. */
export function parseToolJson(text: string, tool: string): unknown {
  const start = text.search(/^[ \t]*[[{]/m);
  try {
    return JSON.parse(start === -1 ? text : text.slice(start)) as unknown;
  } catch (cause) {
    throw probeFailure(`${tool} did not print the JSON it was asked for`, { said: text, cause });
  }
}

/** The member of an object; undefined of anything else, and of what is inherited. */
export function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** Text that is worth showing: not empty, not a way of saying that there is none. */
export function namedText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.replace(/[\p{Cc}\p{Cf}]/gu, ' ').trim();
  return text === '' || isNotAvailable(text) ? undefined : text;
}

/** The many ways in which tools say that they do not know. */
export function isNotAvailable(text: string): boolean {
  return /^\[?\s*(n\/a|na|none|unknown|not supported|not available|unknown error|insufficient permissions)\s*\]?$/i.test(
    text.trim(),
  );
}
