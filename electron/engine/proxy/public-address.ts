import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Reserved for something other than servers that everybody may ask (IANA's registry of special-purpose IPv4 addresses). */
const reservedIpv4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/**
 * Of IPv6 only 2000::/3 is given out to anybody: loopback, mapped IPv4, NAT64, unique local, link-local and multicast are
 * all outside. Within it, these are special or carry an IPv4 address.
 */
const reservedIpv6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const closed = new BlockList();
for (const [net, bits] of reservedIpv4) closed.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of reservedIpv6) closed.addSubnet(net, bits, 'ipv6');

const globalIpv6 = new BlockList();
globalIpv6.addSubnet('2000::', 3, 'ipv6');

/**
 * Whether an IP address is that of a server somewhere else that everybody may ask: neither this machine, nor its network, nor
 * anything reserved. A name is never one.
 */
export function isPublicAddress(address: string, own: BlockList = ownNetworks()): boolean {
  const version = isIP(address);
  // A zone (`fe80::1%eth0`) only makes sense on a link.
  if (version === 0 || address.includes('%')) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (closed.check(address, family) || own.check(address, family)) return false;
  return version === 4 || globalIpv6.check(address, 'ipv6');
}

/** With IPv6, and on some networks with IPv4, the neighbours' addresses are public ones. */
function ownNetworks(): BlockList {
  const own = new BlockList();
  for (const each of Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])) {
    const [net, bits] = (each.cidr ?? '').split('/');
    if (net === undefined || bits === undefined) continue;
    own.addSubnet(net.replace(/%.*$/, ''), Number(bits), each.family === 'IPv4' ? 'ipv4' : 'ipv6');
  }
  return own;
}
