import type { SettingValue } from './edits.ts';
import type { FieldKind } from './settings-schema.ts';

/** Settings as text in a field, and back. What cannot be meant stays text, for the engine to say what is wrong with it. */

export function formatValue(value: SettingValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(formatScalar).join('\n');
  return formatScalar(value);
}

/** Undefined: the setting is left out, and its default holds. */
export function parseText(kind: FieldKind, text: string, current: SettingValue | undefined): SettingValue | undefined {
  if (text.trim() === '') return undefined;
  switch (kind.type) {
    case 'number':
    case 'number-or-word':
      return toNumber(text.trim()) ?? text.trim();
    case 'size':
    case 'duration':
      return text.trim() === '0' ? 0 : text.trim();
    case 'list':
      return toLines(text);
    case 'command':
      return Array.isArray(current) ? toLines(text) : text;
    case 'switch':
    case 'choice':
    case 'text':
    case 'secret':
    case 'map':
      return text;
  }
}

/** A value of a map: for JSON whatever it reads as, so that `0.7` is a number and `hello` a text. */
export function parseMapValue(of: 'text' | 'json', text: string): SettingValue {
  if (of === 'text') return text;
  try {
    return JSON.parse(text) as SettingValue;
  } catch {
    return text; // Not JSON: meant as the text that it is.
  }
}

export function formatScalar(value: SettingValue): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value);
}

/** What holds while a field is empty: `30m (default)`. Empty if nothing does. */
export function describeDefault(kind: FieldKind, value: SettingValue | undefined, source = 'default'): string {
  if (value === undefined || value === null || value === '') return '';
  if (typeof value === 'object' && Object.keys(value).length === 0) return '';
  if (kind.type === 'switch') return `${value === true ? 'on' : 'off'} (${source})`;
  return `${formatValue(value).replaceAll('\n', ', ')} (${source})`;
}

const units: Partial<Record<FieldKind['type'], string>> = {
  duration: 'With its unit: 30s, 10m, 1h30m.',
  size: 'With its unit: 512MiB, 8GiB.',
  list: 'One a line.',
};

/** How to write it, where that needs saying. */
export function describeSyntax(kind: FieldKind): string {
  return units[kind.type] ?? '';
}

function toNumber(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function toLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
