import { describe, expect, test } from 'vitest';
import { readCliInvocation } from '../../../electron/shell/cli-invocation.ts';

describe('whether the app was started as the corral command', () => {
  test.each<[what: string, argv: readonly string[], expected: readonly string[] | null]>([
    ['double-clicked', ['/opt/Corral/corral'], null],
    ['started at login', ['/opt/Corral/corral', '--hidden'], null],
    [
      'by the shim',
      ['/opt/Corral/corral', '--no-sandbox', '--cli', '--', 'eject', 'qwen3:8b', '--now'],
      ['eject', 'qwen3:8b', '--now'],
    ],
    ['by the shim, without a verb', ['/opt/Corral/corral', '--cli', '--'], []],
    ['by hand, without the dashes', ['/opt/Corral/corral', '--cli', 'ps', '--json'], ['ps', '--json']],
    [
      'a second pair of dashes is the user’s',
      ['/opt/Corral/corral', '--cli', '--', 'load', '--', '-odd'],
      ['load', '--', '-odd'],
    ],
    ['a --cli behind the dashes is the user’s', ['/opt/Corral/corral', '--', '--cli', 'ps'], null],
    ['a verb alone is no command line', ['/opt/Corral/corral', 'ps'], null],
    ['a file was dropped on the icon', ['/opt/Corral/corral', '/home/u/--cli'], null],
  ])('%s', (_what, argv, expected) => {
    expect(readCliInvocation({ argv })).toEqual(expected);
  });

  test('unpackaged, the folder of the app comes before the switches', () => {
    const argv = ['/repo/node_modules/electron/dist/electron', '.', '--cli', '--', 'status'];
    expect(readCliInvocation({ argv, defaultApp: true })).toEqual(['status']);
  });
});
