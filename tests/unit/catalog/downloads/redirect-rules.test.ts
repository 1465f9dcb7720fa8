import { describe, expect, it } from 'vitest';
import { classifyAddress } from '../../../../electron/engine/catalog/downloads/address-class.ts';
import { guardedLookup } from '../../../../electron/engine/catalog/downloads/hub-connections.ts';
import { decideRedirect } from '../../../../electron/engine/catalog/downloads/redirect-rules.ts';

const hub = new URL('https://huggingface.co');

describe('decideRedirect', () => {
  it.each([
    'https://cdn-lfs.huggingface.co/x?Signature=1',
    'https://cas-bridge.xethub.hf.co/x',
    'https://huggingface.co:8443/x',
  ])('D7 lets %s have the request, but not the token', (target) => {
    expect(decideRedirect(new URL(target), hub)).toEqual({ isAllowed: true, isOrigin: false });
  });

  it('knows the origin', () => {
    expect(decideRedirect(new URL('https://huggingface.co/other'), hub)).toEqual({ isAllowed: true, isOrigin: true });
  });

  it.each([
    'http://huggingface.co/x',
    'http://cdn.example/x',
    'ftp://cdn.example/x',
    'https://user:secret@cdn.example/x',
    'https://169.254.169.254/latest/meta-data',
    'https://2852039166/latest/meta-data',
    'https://0xa9.0xfe.0xa9.0xfe/',
    'https://[::ffff:169.254.169.254]/',
    'https://[fe80::1]/',
    'https://127.0.0.1/',
    'https://localhost/',
    'https://a.localhost./',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://10.0.0.8/',
    'https://192.168.1.1/',
    'https://172.31.0.1/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://[fd00::1]/',
    'https://[64:ff9b::a00:1]/',
  ])('D7 refuses %s', (target) => {
    expect(decideRedirect(new URL(target), hub)).toMatchObject({ isAllowed: false });
  });

  it('lets a mirror in a private network use that network, but never link-local addresses', () => {
    const mirror = new URL('http://192.168.1.5:8080');
    expect(decideRedirect(new URL('http://192.168.1.6/x'), mirror)).toMatchObject({ isAllowed: true });
    expect(decideRedirect(new URL('http://127.0.0.1/x'), mirror)).toMatchObject({ isAllowed: false });
    expect(decideRedirect(new URL('http://169.254.169.254/x'), mirror)).toMatchObject({ isAllowed: false });
  });
});

describe('classifyAddress', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1', 'public'],
    ['127.9.9.9', 'loopback'],
    ['fe80::1%eth0', 'link-local'],
    ['255.255.255.255', 'private'],
    ['2002:a00:1::', 'private'],
  ])('%s is %s', (address, found) => {
    expect(classifyAddress(address)).toBe(found);
  });
});

describe('guardedLookup', () => {
  const lookUp = (origin: URL): Promise<unknown> =>
    new Promise((resolve, reject) => {
      guardedLookup(() => origin)('localhost', { all: true }, (error, addresses) => {
        if (error === null) resolve(addresses);
        else reject(error);
      });
    });

  it('D7 refuses a name that means an address within the network', async () => {
    await expect(lookUp(hub)).rejects.toThrow(/private network/);
  });

  it('allows it for an origin that is there too', async () => {
    expect(await lookUp(new URL('http://127.0.0.1:9'))).toEqual(
      expect.arrayContaining([expect.objectContaining({ address: expect.stringMatching(/^(127\.|::1)/) as string })]),
    );
  });
});
