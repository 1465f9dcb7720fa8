import { describe, expect, it } from 'vitest';
import { parseProxyAddress, proxyKey } from '../../../electron/engine/config/proxy-address.ts';

describe('the address of a command that has one of its own', () => {
  it.each([
    ['http://127.0.0.1:8999', { host: '127.0.0.1', port: 8999, basePath: '' }],
    ['http://localhost', { host: 'localhost', port: 80, basePath: '' }],
    ['http://[::1]:9000/', { host: '::1', port: 9000, basePath: '' }],
    ['http://box:9000/llm/v2/', { host: 'box', port: 9000, basePath: '/llm/v2' }],
  ])('%s', (proxy, address) => {
    expect(parseProxyAddress(proxy)).toEqual(address);
  });

  it('is the same whatever this machine is called', () => {
    const here = [
      'http://127.0.0.1:1',
      'http://localhost:1/x',
      'http://[::1]:1',
      'http://0.0.0.0:1',
      'http://127.9.9.9:1',
    ];
    expect(new Set(here.map(proxyKey)).size).toBe(1);
    expect(proxyKey('http://127.0.0.1:2')).not.toBe(proxyKey('http://127.0.0.1:1'));
    expect(proxyKey('http://box:1')).not.toBe(proxyKey('http://127.0.0.1:1'));
  });
});
