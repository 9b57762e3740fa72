import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Attempt, foundIn, mustFail } from './attempt.ts';

/** The kernel knows no way there, or may not go it. Whatever else happens, a packet may have left. */
const noWay = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EACCES',
  'EPERM',
  'EINVAL',
]);

/** Public servers, hosts as containers see them, metadata services, a tailnet's own resolver, and the same in IPv6. */
const addresses: readonly (readonly [host: string, port: number])[] = [
  ['1.1.1.1', 443],
  ['8.8.8.8', 53],
  ['172.17.0.1', 22],
  ['172.17.0.1', 2375],
  ['192.168.65.7', 2375],
  ['192.168.65.254', 7860],
  ['10.0.2.2', 22],
  ['169.254.169.254', 80],
  ['100.100.100.100', 53],
  ['100.100.100.200', 80],
  ['2606:4700:4700::1111', 443],
  ['fd00:ec2::254', 80],
  ['::ffff:169.254.169.254', 80],
];
const datagrams: readonly (readonly [host: string, port: number])[] = [
  ['1.1.1.1', 53],
  ['1.1.1.1', 443],
  ['100.100.100.100', 53],
  ['224.0.0.251', 5353],
  ['255.255.255.255', 67],
  ['2606:4700:4700::1111', 53],
];
const patienceMs = 2_000;

/** No interface but the loopback one, no route, and no way to anywhere. */
export const network: readonly Attempt[] = [
  { what: 'interfaces', make: findInterfaces },
  { what: 'routes', make: findRoutes },
  ...addresses.map(([host, port]) => ({
    what: `TCP to ${host} port ${port}`,
    make: () => mustFail(() => reach(host, port), noWay, 'something answered'),
  })),
  ...datagrams.map(([host, port]) => ({
    what: `UDP to ${host} port ${port}`,
    make: () => mustFail(() => send(host, port), noWay, 'it was sent'),
  })),
];

async function findInterfaces(): Promise<string | null> {
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.some(({ internal }) => !internal) ? [name] : [],
  );
  return foundIn(found);
}

/** gVisor has no such file where there is no network. */
async function findRoutes(): Promise<string | null> {
  const table = await readFile('/proc/net/route', 'utf8').catch(() => '');
  const found = table
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/)[0] ?? '')
    .filter((name) => name !== '' && name !== 'lo');
  return found.length === 0 ? null : `there is one by ${[...new Set(found)].join(', ')}`;
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', fail);
    // Somebody may have got the packet, and only not answered it.
    socket.once('timeout', () => fail(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })));
  });
}

function send(host: string, port: number): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.send('x', port, host, (error) => (error === null ? resolve() : reject(error)));
  }).finally(() => socket.close());
}
