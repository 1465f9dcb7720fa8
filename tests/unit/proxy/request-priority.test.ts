import { describe, expect, it } from 'vitest';
import { requestPriority } from '../../../electron/engine/proxy/request-priority.ts';
import { AppError } from '../../../shared/contract/errors.ts';

describe('X-Request-Priority', () => {
  it.each([
    [undefined, 0, 0],
    ['0', 0, 0],
    ['-10', -10, -10],
    ['-1', -1, -1],
    ['3', 3, 0],
    ['+3', 3, 0],
    ['10', 10, 0],
  ])('of %j adds %i, or %i where lanes have keys', (header, free, keyed) => {
    expect(requestPriority(header, { canRaise: true })).toBe(free);
    expect(requestPriority(header, { canRaise: false })).toBe(keyed);
  });

  it.each([
    '',
    ' ',
    '11',
    '-11',
    '1.5',
    '1e1',
    '0x1',
    'high',
    '1, 2',
    '--1',
    '99999999999999999999',
    'NaN',
    'Infinity',
  ])('refuses %j whoever sends it', (header) => {
    for (const canRaise of [true, false]) {
      const refused = requestPriority(header, { canRaise });
      expect(refused).toBeInstanceOf(AppError);
      expect(refused).toMatchObject({
        code: 'invalid-request',
        message: expect.stringContaining('-10 to 10') as string,
      });
    }
  });

  it('refuses a list', () => {
    expect(requestPriority(['1', '1'], { canRaise: true })).toBeInstanceOf(AppError);
  });
});
