import { describe, expect, it } from 'vitest';
import {
  describeDefault,
  formatValue,
  parseMapValue,
  parseText,
} from '../../../../renderer/features/settings/field-text.ts';
import type { SettingValue } from '../../../../renderer/features/settings/edits.ts';
import type { FieldKind } from '../../../../renderer/features/settings/settings-schema.ts';

describe('parseText', () => {
  it.each<[FieldKind['type'], string, unknown]>([
    ['number', '12', 12],
    ['number', '-3', -3],
    ['number', ' 7 ', 7],
    ['number', '1.5', '1.5'],
    ['number', '12x', '12x'],
    ['number', '99999999999999999999', '99999999999999999999'],
    ['number-or-word', 'auto', 'auto'],
    ['number-or-word', '33', 33],
    ['duration', '30m', '30m'],
    ['duration', '0', 0],
    ['size', ' 8GiB ', '8GiB'],
    ['list', 'a\n\n b \n', ['a', 'b']],
    ['text', 'q.gguf', 'q.gguf'],
    ['text', '', undefined],
    ['list', ' \n', undefined],
    ['number', '', undefined],
  ])('of a %s: %j is %j', (type, text, expected) => {
    const kind = (type === 'number-or-word' ? { type, words: ['auto'] } : { type }) as FieldKind;
    expect(parseText(kind, text, undefined)).toEqual(expected);
  });

  it('leaves a command in the form that the file has', () => {
    expect(parseText({ type: 'command' }, 'vllm\nserve', ['vllm'])).toEqual(['vllm', 'serve']);
    expect(parseText({ type: 'command' }, 'vllm serve', 'vllm')).toBe('vllm serve');
    expect(parseText({ type: 'command' }, 'vllm serve', undefined)).toBe('vllm serve');
  });

  it.each<[FieldKind, SettingValue]>([
    [{ type: 'number' }, 12],
    [{ type: 'duration' }, '1h30m'],
    [{ type: 'list' }, ['--a', '--b']],
    [{ type: 'text' }, 'x'],
  ])('reads back what formatValue wrote: %j %j', (kind, value) => {
    expect(parseText(kind, formatValue(value), value)).toEqual(value);
  });
});

it.each([
  ['text', '0.7', '0.7'],
  ['json', '0.7', 0.7],
  ['json', 'true', true],
  ['json', 'hello', 'hello'],
  ['json', '{"a":1}', { a: 1 }],
] as const)('parseMapValue of %s: %j', (of, text, expected) => {
  expect(parseMapValue(of, text)).toEqual(expected);
});

it.each<[FieldKind['type'], SettingValue | undefined, string]>([
  ['duration', '30m', '30m (default)'],
  ['duration', 0, '0 (default)'],
  ['switch', true, 'on (default)'],
  ['switch', false, 'off (default)'],
  ['list', [], ''],
  ['number', undefined, ''],
])('the default of a %s, %j, reads %j', (type, value, expected) => {
  expect(describeDefault({ type } as FieldKind, value)).toBe(expected);
});
