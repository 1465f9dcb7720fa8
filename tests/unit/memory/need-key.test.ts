import { describe, expect, it } from 'vitest';
import { needKey, normaliseArgs, type NeedCircumstances } from '../../../electron/engine/memory/need-key.ts';

describe('what a learned need holds for', () => {
  const circumstances: NeedCircumstances = {
    fingerprint: 'a',
    projectorFingerprint: undefined,
    args: ['--model', '/a.gguf', '--host', '/run/1.sock', '--alias', 'x', '--ctx-size', '4096', '--metrics'],
    devices: ['CUDA0'],
    buildId: 'b',
  };

  it('is the same for another address, path and name', () => {
    const elsewhere = ['--model', '/b.gguf', '--host', '127.0.0.1', '--port', '8081', '--ctx-size=4096', '--slots'];
    expect(needKey({ ...circumstances, args: elsewhere })).toBe(needKey(circumstances));
  });

  it.each<Partial<NeedCircumstances>>([
    { fingerprint: 'b' },
    { projectorFingerprint: 'p' },
    { args: ['--ctx-size', '8192'] },
    { args: ['--ctx-size', '4096', '--n-gpu-layers', '5'] },
    { devices: ['CUDA1'] },
    { devices: [] },
    { buildId: 'c' },
  ])('is another for %j', (changes) => {
    expect(needKey({ ...circumstances, ...changes })).not.toBe(needKey(circumstances));
  });

  it('keeps the order of what counts', () => {
    expect(normaliseArgs(['-c', '1', '--port', '2', '-lv', '4', '--cache-type-k=q8_0', '-c', '3'])).toEqual([
      ...['-c', '1', '--cache-type-k', 'q8_0', '-c', '3'],
    ]);
  });
});
