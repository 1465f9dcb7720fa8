import { describe, expect, it } from 'vitest';
import { splitLevel } from '../../../electron/shell/shell-log.ts';

describe('splitLevel', () => {
  it.each([
    ['warn The window is slow', 'warn', 'The window is slow'],
    ['error It failed', 'error', 'It failed'],
    ['warning lights are on', 'info', 'warning lights are on'],
    ['No update was found', 'info', 'No update was found'],
  ])('%s', (line, level, message) => {
    expect(splitLevel(line)).toEqual({ level, message });
  });
});
