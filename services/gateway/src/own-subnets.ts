import { networkInterfaces } from 'node:os';

/** The subnets that the gateway's own interfaces are in, such as `172.18.0.5/16`; without the loopback. */
export function ownSubnets(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((address) => (address === undefined || address.internal || address.cidr === null ? [] : [address.cidr]));
}
