import { describe, expect, it } from 'vitest';
import { isLoopbackHost, secretField } from '../../../../electron/engine/config/schema-fields.ts';
import { applyEdits } from '../../../../renderer/features/settings/edits.ts';
import {
  closeNetworkEdit,
  formatKey,
  generateKey,
  isLoopback,
  isOpenToNetwork,
  lanUrl,
  listKeys,
  openNetworkEdits,
} from '../../../../renderer/features/settings/lan-switch.ts';

describe('the switch for the local network', () => {
  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]', '0.0.0.0', '::', '192.168.1.4', 'my-box'])(
    'judges %s as the engine does',
    (host) => expect(isLoopback(host)).toBe(isLoopbackHost(host)),
  );

  it('opens the address and adds a key in the same go', () => {
    const edited = applyEdits({}, openNetworkEdits({}, { name: 'phone', key: 'k' }));
    expect(edited).toEqual({ server: { apiKeys: [{ name: 'phone', key: 'k' }], host: '0.0.0.0' } });
    expect(isOpenToNetwork(edited)).toBe(true);
    expect(isOpenToNetwork(applyEdits(edited, [closeNetworkEdit]))).toBe(false);
  });

  it('leaves the keys alone that are there', () => {
    const values = { server: { apiKeys: [{ name: 'tv', key: '••••••' }] } };
    expect(openNetworkEdits(values, undefined)).toEqual([{ path: ['server', 'host'], value: '0.0.0.0' }]);
    expect(openNetworkEdits(values, { name: 'phone', key: 'k' })[0]?.path).toEqual(['server', 'apiKeys', 1]);
  });

  it('lists keys by their positions, without those to be removed', () => {
    const edited = applyEdits({ server: { apiKeys: [{ name: 'a' }, { name: 'b' }] } }, [
      { path: ['server', 'apiKeys', 0] },
    ]);
    expect(listKeys(edited)).toEqual([{ position: 1, name: 'b' }]);
  });

  it('writes addresses as URLs have them', () => {
    expect(lanUrl('192.168.1.4', 5526)).toBe('http://192.168.1.4:5526/v1');
    expect(lanUrl('fd00::4', 5526)).toBe('http://[fd00::4]:5526/v1');
  });
});

describe('keys', () => {
  it('hold all the random bits they were made of', () => {
    const bytes = Uint8Array.from({ length: 24 }, (_, index) => (index * 37) % 256);
    const key = formatKey(bytes);
    expect(Buffer.from(key.slice('sk-corral-'.length), 'base64url')).toEqual(Buffer.from(bytes));
    expect(key).toHaveLength('sk-corral-'.length + 32);
    expect(secretField.safeParse(key).success).toBe(true);
  });

  it('are different each time', () => {
    expect(generateKey()).not.toBe(generateKey());
  });
});
