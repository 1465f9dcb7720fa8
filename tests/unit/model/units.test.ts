import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '#shared/model/units.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    [' 5s ', 5000],
    ['1m500ms', 60_500],
  ])('reads %j as %d ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', '30', '-1s', '1 s', '1y', 's', '1s2', '1e3s', '.5s', 'Infinitys', `${'9'.repeat(400)}d`])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('adds up the parts of any combination', () => {
    const part = fc.integer({ min: 0, max: 999 });
    fc.assert(
      fc.property(part, part, part, part, part, (d, h, m, s, ms) => {
        const expected = d * 86_400_000 + h * 3_600_000 + m * 60_000 + s * 1000 + ms;
        expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)).toBe(expected);
      }),
    );
  });

  it('returns a whole number of at least 0, or undefined, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{1,5}(ms|s|m|h|d)?$/)), (text) => {
        const parsed = parseDuration(text);
        expect(parsed === undefined || (Number.isInteger(parsed) && parsed >= 0)).toBe(true);
      }),
    );
  });
});

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1B', 1],
    ['512MiB', 536_870_912],
    ['8GiB', 8_589_934_592],
    ['512 MiB', 536_870_912],
    ['1.5GB', 1_500_000_000],
    ['1kB', 1000],
    ['1TiB', 1_099_511_627_776],
  ])('reads %j as %d bytes', (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });

  it.each(['', '8', '8G', '8gib', '-1GiB', '1,5GB', 'GiB', '9999999999TiB', '1GiB2MiB'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it('multiplies by the unit', () => {
    const units = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1e3, MB: 1e6, GB: 1e9 };
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.constantFrom(...Object.entries(units)),
        (n, [unit, factor]) => {
          expect(parseSize(`${n}${unit}`)).toBe(n * factor);
        },
      ),
    );
  });

  it('returns a safe whole number of at least 0, or undefined, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{1,20} ?[KMGT]?i?B$/)), (text) => {
        const parsed = parseSize(text);
        expect(parsed === undefined || (Number.isSafeInteger(parsed) && parsed >= 0)).toBe(true);
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [-5, '0 ms'],
    [850, '850 ms'],
    [1234, '1.2 s'],
    [12_000, '12 s'],
    [240_000, '4 min'],
    [7_200_000, '2 h'],
    [259_200_000, '3 d'],
  ])('writes %d ms as %j', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [532, '532 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [13_400_000, '13.4 MB'],
    [9_200_000_000, '9.2 GB'],
    [999_999_999, '1.0 GB'],
    [5e15, '5000 TB'],
  ])('writes %d bytes as %j', (bytes, expected) => {
    expect(formatSize(bytes)).toBe(expected);
  });
});
