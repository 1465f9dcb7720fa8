import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openablePath } from '../../../electron/shell/openable-path.ts';

describe('openablePath', () => {
  const instance = { configPath: '/c/config.yaml', dataFolder: '/data' };

  it('leads to what is meant', () => {
    expect(openablePath('config', instance)).toBe('/c/config.yaml');
    expect(openablePath('logs', instance)).toBe(path.join('/data', 'logs'));
    expect(openablePath('data', instance)).toBe('/data');
  });

  it('says that there is no configuration file yet', () => {
    expect(() => openablePath('config', { ...instance, configPath: null })).toThrow('first change in Settings');
  });
});
