import type { SettingsView } from '#shared/contract/settings.ts';
import { valueAt, type SettingValue } from './edits.ts';
import type { SettingPath } from './setting-path.ts';

/** What the JSON schema of the configuration says of a setting, as a form needs it. */

export type FieldKind =
  /** True or false. */
  | { readonly type: 'switch' }
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  | { readonly type: 'number' }
  /** A number, or one of a few words. */
  | { readonly type: 'number-or-word'; readonly words: readonly string[] }
  | { readonly type: 'duration' }
  | { readonly type: 'size' }
  | { readonly type: 'text' }
  /** Shown as set or not set; what is typed replaces it. */
  | { readonly type: 'secret' }
  /** Texts, one a line. */
  | { readonly type: 'list' }
  /** Words one a line, or one text that is split like in a shell: as it stands in the file. */
  | { readonly type: 'command' }
  /** Names with a value each. */
  | { readonly type: 'map'; readonly of: 'text' | 'json' };

export interface SchemaEntry {
  readonly kind: FieldKind;
  readonly description: string;
  readonly defaultValue: SettingValue | undefined;
}

type Schema = SettingsView['schema'];

/** What the engine puts in place of secrets, alone or within a text. */
const MASK = '••••••';
const secretPath = /(^|\.)(key|apiKey|adminToken)$/;
/** Both are texts with a unit in the schema, so only their names tell sizes from durations. */
const sizeName = /(Size|Bytes|reserve)$|^memory\.budgets\./;

/** Undefined for what is no setting of this version. */
export function schemaEntry(schema: Schema, path: SettingPath): SchemaEntry | undefined {
  const found = schemaAt(schema, path);
  if (found === undefined) return undefined;
  const description = valueAt(found, ['description']);
  return {
    kind: kindOf(found, path),
    description: typeof description === 'string' ? description : '',
    defaultValue: valueAt(found, ['default']),
  };
}

export function isSecret(path: SettingPath): boolean {
  return secretPath.test(path.join('.'));
}

/** Whether a secret was left out anywhere in the value, so that writing it back would destroy that. */
export function holdsMask(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(MASK);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsMask);
}

function schemaAt(schema: Schema, path: SettingPath): Schema | undefined {
  let found: unknown = schema;
  for (const segment of path) {
    found =
      typeof segment === 'number'
        ? valueAt(found, ['items'])
        : (valueAt(found, ['properties', segment]) ?? valueAt(found, ['additionalProperties']));
    if (typeof found !== 'object' || found === null) return undefined;
  }
  return found as Schema;
}

function kindOf(schema: Schema, path: SettingPath): FieldKind {
  if (isSecret(path)) return { type: 'secret' };
  const choices = textsAt(schema, 'enum');
  if (choices.length > 0) return { type: 'choice', choices };
  const alternatives = valueAt(schema, ['anyOf']);
  if (Array.isArray(alternatives)) return kindOfAlternatives(alternatives as Schema[], path);
  switch (valueAt(schema, ['type'])) {
    case 'boolean':
      return { type: 'switch' };
    case 'integer':
    case 'number':
      return { type: 'number' };
    case 'array':
      return { type: 'list' };
    case 'object':
      return { type: 'map', of: valueAt(schema, ['additionalProperties', 'type']) === undefined ? 'json' : 'text' };
    default:
      return { type: 'text' };
  }
}

function kindOfAlternatives(alternatives: readonly Schema[], path: SettingPath): FieldKind {
  const words = alternatives.flatMap((each) => textsAt(each, 'enum'));
  if (words.length > 0) return { type: 'number-or-word', words };
  if (alternatives.some((each) => valueAt(each, ['type']) === 'array')) return { type: 'command' };
  return { type: sizeName.test(path.join('.')) ? 'size' : 'duration' };
}

function textsAt(schema: Schema, name: string): string[] {
  const texts = valueAt(schema, [name]);
  return Array.isArray(texts) ? texts.filter((text): text is string => typeof text === 'string') : [];
}
