import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A port of this host that nobody listens on just now. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const [port] = await freePorts(1, address);
  if (port === undefined) throw new Error('no port');
  return port;
}

/** So many of them, each another one: of two that are looked for one after the other, both may be the same. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, address));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return ports;
}
