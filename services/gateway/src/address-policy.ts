import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Which addresses a server may have, by whose server it is. */
export type AddressRule =
  | {
      readonly kind: 'own';
      /** The line of `configs/hosts.env` that names it. */
      readonly setting: 'OLLAMA_BASE_URL' | 'MATRIX_HOMESERVER';
      /** Addresses and subnets outside of the tailnet that the operator allows. */
      readonly listed: readonly string[];
    }
  | {
      readonly kind: 'embedded';
      /** Those of the gateway's own interfaces. */
      readonly subnets: readonly string[];
    };

/** What comes before the IPv4 address in a mapped one (`::ffff:…`), in bits. */
const mappedPrefix = 96;

const tailnet = subnetList(['100.64.0.0/10', 'fd7a:115c:a1e0::/48']);

/** Where no server of the operator's is, whoever lists it: link-local and metadata services, multicast, Tailscale's own resolver. */
const special = subnetList([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '168.63.129.16',
  '192.0.0.192',
  '224.0.0.0/3',
  '100.100.100.100',
  '100.100.100.200',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254',
  'fd7a:115c:a1e0::53',
  // An address of IPv4 inside one of IPv6 is judged by nobody else on the way: NAT64, 6to4, Teredo, the translated and the compatible form.
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  '2001::/32',
  '::ffff:0:0:0/96',
  '::/96',
]);

const loopback = subnetList(['127.0.0.0/8', '::1']);

/**
 * Why a server is not connected to, or null; every address that its name has must be fit.
 * @param addresses literal IPv4 and IPv6 addresses; a mapped one (`::ffff:…`) is judged as the IPv4 address it is
 * @returns for people: the host, the address, and the next step
 */
export function judgeAddresses(
  host: string,
  addresses: readonly string[],
  rule: AddressRule,
  allowLoopback: boolean,
): string | null {
  const strangers: string[] = [];
  const fit = rule.kind === 'own' ? subnetList(rule.listed) : subnetList(rule.subnets);
  for (const address of new Set(addresses.map(canonical))) {
    if (isWithin(loopback, address)) {
      if (allowLoopback) continue;
      return `${place(host, [address])} the gateway itself; for a server on this very host use host.docker.internal`;
    }
    if (isIP(address) === 0 || address.includes('%') || isWithin(special, address)) {
      return `${place(host, [address])} a link-local, metadata or other special address and never connected to`;
    }
    if (isWithin(fit, address) || (rule.kind === 'own' && isWithin(tailnet, address))) continue;
    strangers.push(address);
  }
  return strangers.length === 0 ? null : describeStrangers(host, strangers, rule);
}

function describeStrangers(host: string, strangers: readonly string[], rule: AddressRule): string {
  const found = place(host, strangers);
  const list = strangers.length === 1 ? 'list it' : 'list them';
  if (rule.kind === 'embedded') return `${found} in none of the gateway's own networks; run scripts/up again`;
  const line = `ALLOWED_ADDRESSES=${[...rule.listed, ...strangers].join(',')}`;
  return `${found} not in the tailnet; if that is meant, ${list}: ${line} in configs/hosts.env`;
}

/** How a sentence on addresses begins: an address that was configured as such is not named twice. */
function place(host: string, addresses: readonly string[]): string {
  const [first = ''] = addresses;
  if (isIP(host) !== 0) return `${first} is`;
  return addresses.length === 1
    ? `${host} has the address ${first}, which is`
    : `${host} has the addresses ${addresses.join(' and ')}, which are`;
}

/**
 * What is said of a name without an address.
 * @param code of the failed lookup, such as `ENOTFOUND`
 */
export function describeUnresolved(host: string, code: string, rule: AddressRule): string {
  const remedy =
    rule.kind === 'own'
      ? `check ${rule.setting} in configs/hosts.env and this machine's DNS`
      : "the stack's own server of that name does not run; start it with scripts/up";
  return `${host} does not resolve (${code}): ${remedy}`;
}

type SubnetList = { readonly ipv4: BlockList; readonly ipv6: BlockList };

/** One list per family: in a common one, `::/0` would have every IPv4 address as well. */
function subnetList(entries: readonly string[]): SubnetList {
  const list = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const entry of entries) {
    const [text = '', prefix] = entry.split('/');
    const address = canonical(text);
    const family = familyOf(address);
    if (prefix === undefined) list[family].addAddress(address, family);
    else if (family === familyOf(text)) list[family].addSubnet(address, Number(prefix), family);
    else if (Number(prefix) >= mappedPrefix) list.ipv4.addSubnet(address, Number(prefix) - mappedPrefix, 'ipv4');
  }
  return list;
}

function isWithin(list: SubnetList, address: string): boolean {
  const family = familyOf(address);
  return list[family].check(address, family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/** One spelling for each address, with IPv4 in its own. A zone (`%eth0`) stays, for no rule knows it. */
function canonical(address: string): string {
  if (!isIPv6(address) || address.includes('%')) return address;
  const text = new SocketAddress({ address, family: 'ipv6' }).address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  return mapped?.[1] ?? text;
}
