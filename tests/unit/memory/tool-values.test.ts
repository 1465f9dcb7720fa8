import { describe, expect, it } from 'vitest';
import {
  amountToBytes,
  isNotAvailable,
  parseAmount,
  parsePciAddress,
  parsePid,
  parseSizeWithUnit,
  parseToolJson,
} from '../../../electron/engine/memory/tool-values.ts';

describe('parseAmount', () => {
  it.each([
    ['24564', 24564],
    ['0', 0],
    [' 24,564 ', 24564],
    ['24.564', 24564],
    ['24 564', 24564],
    ['24\u202f564', 24564],
    ["1'024", 1024],
    ['1.234.567', 1234567],
    ['265,0', 265],
    ['7.62', 7.62],
    ['1234.567', 1234.567],
    ['1.234,5', 1234.5],
    ['1,234.5', 1234.5],
  ])('reads %j as %d', (text, amount) => {
    expect(parseAmount(text)).toBe(amount);
  });

  it.each(['', 'N/A', '-5', '1e9', '1.2.3', '1,23,456', '12,', ',5', '0x10', '٣', 'Infinity', '1'.repeat(40)])(
    'refuses %j',
    (text) => {
      expect(parseAmount(text)).toBeUndefined();
    },
  );
});

describe('amountToBytes', () => {
  it('refuses more than can be counted', () => {
    expect(amountToBytes(1228.75, 2 ** 20)).toBe(1_288_437_760);
    expect(amountToBytes(1e16, 2 ** 20)).toBeUndefined();
    expect(amountToBytes(-1, 1)).toBeUndefined();
    expect(amountToBytes(Number.NaN, 1)).toBeUndefined();
  });
});

describe('parseSizeWithUnit', () => {
  it.each([
    ['298 MiB', 298 * 2 ** 20],
    ['51200 KiB', 51200 * 1024],
    ['8 MB', 8 * 2 ** 20],
    ['1 GiB', 2 ** 30],
    ['0', 0],
    ['734003200', 734003200],
    ['12 TiB', undefined],
    ['N/A', undefined],
    ['', undefined],
  ])('reads %j', (text, bytes) => {
    expect(parseSizeWithUnit(text)).toBe(bytes);
  });
});

describe('parsePid, parsePciAddress, isNotAvailable', () => {
  it('takes pids up to the largest any system gives', () => {
    expect(parsePid('4194304')).toBe(4194304);
    expect(parsePid('4294967295')).toBe(4294967295);
    for (const text of ['0', '-1', '4294967296', '99999999999999999999', '1.5', 'x', '']) {
      expect(parsePid(text)).toBeUndefined();
    }
  });

  it('writes PCI addresses one way', () => {
    expect(parsePciAddress('00000000:0A:00.0')).toBe('0000:0a:00.0');
    expect(parsePciAddress('0000000F:01:00.0')).toBe('000f:01:00.0');
    expect(parsePciAddress('03:00.0')).toBe('0000:03:00.0');
    expect(parsePciAddress('N/A')).toBeUndefined();
  });

  it('knows the ways of not knowing', () => {
    for (const text of ['[N/A]', 'N/A', '[Not Supported]', '[Insufficient Permissions]', '[Unknown Error]']) {
      expect(isNotAvailable(text)).toBe(true);
    }
    expect(isNotAvailable('12')).toBe(false);
  });
});

describe('parseToolJson', () => {
  it('finds the JSON behind warnings', () => {
    expect(parseToolJson('WARNING: no group\n[1]', 'x')).toEqual([1]);
  });

  it.each(['', 'no json', '{"card0": {"VRAM', '[1] trailing'])('says what was printed instead: %j', (text) => {
    expect(() => parseToolJson(text, 'amd-smi')).toThrow(/^amd-smi did not print the JSON it was asked for/);
  });
});
