import type { ForeignFormat, ForeignSource } from '../dialects/foreign-format.ts';
import { configSchema } from './schema.ts';

export type DetectedFormat =
  | { readonly kind: 'native' }
  | { readonly kind: 'foreign'; readonly format: ForeignFormat }
  /** `lookedFor` names the marks of all known formats. */
  | { readonly kind: 'unknown'; readonly lookedFor: string };

/** Sections that no other program's file has; one of them, and the file is Corral's, whatever else is wrong with it. */
const ownSections = [
  'engine',
  'defaults',
  'memory',
  'scheduler',
  'sets',
  'catalog',
  'listeners',
  'telemetry',
  'updates',
] as const satisfies readonly (keyof typeof configSchema.shape)[];

/**
 * Whose configuration a file is, by the keys that only one program uses; `formats` are asked in their order. What cannot be
 * read as YAML counts as Corral's own unless a format knows it by its name, so that the mistake in it is told. Pure.
 */
export function detectFormat(source: ForeignSource, formats: readonly ForeignFormat[]): DetectedFormat {
  const { value } = source;
  const keys = isGroup(value) ? Object.keys(value) : [];
  if (ownSections.some((key) => keys.includes(key))) return { kind: 'native' };
  const format = formats.find((each) => each.detect(source));
  if (format !== undefined) return { kind: 'foreign', format };
  if (value === undefined || value === null || keys.some((key) => key in configSchema.shape)) return { kind: 'native' };
  if (isGroup(value) && keys.length === 0) return { kind: 'native' };
  const marks = formats.map(({ mark }) => mark);
  return {
    kind: 'unknown',
    lookedFor: [`\`models\`, \`server\` and the like (Corral)`, ...marks].join('; '),
  };
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
