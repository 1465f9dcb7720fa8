import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../electron/engine/proxy/public-address.ts';

const none = new BlockList();

describe('isPublicAddress', () => {
  it.each([
    ...['127.0.0.1', '127.255.0.9', '0.0.0.0', '10.1.2.3', '100.64.0.1', '100.127.255.255', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.168.1.1', '192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.1'],
    ...['203.0.113.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
    ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1'],
    ...['fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '2001::1', '2001:db8::1'],
    ...['2002:7f00:1::1', '3fff::1', '100::1', '4000::1'],
    ...['localhost', 'example.com', '', '1.1.1', '2130706433', '0x7f.1', '1.1.1.1:80', '[2606:4700::1111]'],
  ])('%s is none', (address) => {
    expect(isPublicAddress(address, none)).toBe(false);
  });

  it.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.32.0.1', '2606:4700:4700::1111', '2a00::1'])(
    '%s is one',
    (address) => {
      expect(isPublicAddress(address, none)).toBe(true);
    },
  );

  it('is none in a network that this machine is part of', () => {
    const own = new BlockList();
    own.addSubnet('2a02:1:2:3::5', 64, 'ipv6');
    own.addSubnet('85.1.2.3', 24, 'ipv4');
    expect(isPublicAddress('2a02:1:2:3::77', own)).toBe(false);
    expect(isPublicAddress('2a02:1:2:4::77', own)).toBe(true);
    expect(isPublicAddress('85.1.2.99', own)).toBe(false);
    for (const { address } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
      expect(isPublicAddress(address)).toBe(false);
    }
  });
});
