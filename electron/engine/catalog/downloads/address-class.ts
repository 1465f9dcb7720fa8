import { BlockList, isIP } from 'node:net';

export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

/** RFC 6890 and the IANA special-purpose registries: what is no server on the public internet. */
const special = new BlockList();
const specialSubnets: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];
for (const [network, bits, family] of specialSubnets) special.addSubnet(network, bits, family);

/** IPv4 within IPv6: mapped, NAT64, and the two kinds of tunnels. */
const embedding = new BlockList();
embedding.addSubnet('64:ff9b::', 96, 'ipv6');
embedding.addSubnet('2001::', 32, 'ipv6');
embedding.addSubnet('2002::', 16, 'ipv6');

/** What kind of machine an IP address (without brackets) belongs to. An IPv4 address within an IPv6 one is no public one. */
export function classifyAddress(address: string): AddressClass {
  const bare = address.replace(/%.*$/, '');
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4';
  // Mapped addresses are checked by BlockList as the IPv4 they hold.
  if (loopback.check(bare, family)) return 'loopback';
  if (linkLocal.check(bare, family)) return 'link-local';
  if (special.check(bare, family)) return 'private';
  return family === 'ipv6' && embedding.check(bare, family) ? 'private' : 'public';
}

/** The class of a host that is written as an address or known to be this machine; undefined for names to be looked up. */
export function classifyHost(hostname: string): AddressClass | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return classifyAddress(bare);
  return /(^|\.)localhost\.?$/i.test(bare) ? 'loopback' : undefined;
}
