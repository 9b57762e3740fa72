import { BlockList, isIP, isIPv6 } from 'node:net';

/** Where no model server is: this host, link-local and metadata services, multicast. Private and tailnet addresses are the point. */
const refused = new BlockList();
refused.addSubnet('0.0.0.0', 8);
refused.addSubnet('169.254.0.0', 16);
refused.addSubnet('224.0.0.0', 3);
refused.addAddress('100.100.100.100');
refused.addAddress('100.100.100.200');
refused.addAddress('::', 'ipv6');
refused.addSubnet('fe80::', 10, 'ipv6');
refused.addSubnet('ff00::', 8, 'ipv6');
refused.addAddress('fd00:ec2::254', 'ipv6');
// An address of IPv4 inside one of IPv6 is judged by nobody else on the way: NAT64, 6to4, the old compatible form.
refused.addSubnet('64:ff9b::', 96, 'ipv6');
refused.addSubnet('64:ff9b:1::', 48, 'ipv6');
refused.addSubnet('2002::', 16, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

const compatible = new BlockList();
compatible.addSubnet('::', 96, 'ipv6');

/**
 * Why the gateway does not connect to this address, or null.
 * @param address a literal IPv4 or IPv6 address; a mapped one (`::ffff:…`) is judged as the IPv4 address it is
 */
export function refuseAddress(address: string, allowLoopback: boolean): string | null {
  if (isIP(address) === 0) return `${address} is not an address`;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (loopback.check(address, family)) return allowLoopback ? null : `${address} is the gateway itself`;
  if (refused.check(address, family) || (family === 'ipv6' && compatible.check(address, family))) {
    return `${address} is a link-local, metadata or other special address`;
  }
  return null;
}
