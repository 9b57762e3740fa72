import { randomBytes } from 'node:crypto';
import { lookup, Resolver } from 'node:dns/promises';
import { type Attempt, codeOf } from './attempt.ts';

const known = ['example.com', 'host.docker.internal', 'gateway.docker.internal', 'metadata.google.internal'];
/** The engine's own, a public one, and a tailnet's. */
const servers = ['127.0.0.11', '1.1.1.1', '100.100.100.100'];
/** No server heard the question. Any other error is somebody's answer. */
const unheard = new Set(['ECONNREFUSED', 'ETIMEOUT', 'ETIMEDOUT', 'ECANCELLED', 'ENETUNREACH', 'EHOSTUNREACH']);
const patience = { timeout: 500, tries: 1 };

/** No name has an address, and no server of names answers. */
export const names: readonly Attempt[] = [
  ...[...known, `${randomBytes(8).toString('hex')}.example.com`].map((name) => ({
    what: `the address of ${name}`,
    make: () =>
      lookup(name).then(
        ({ address }) => `it is ${address}`,
        () => null,
      ),
  })),
  ...servers.map((server) => ({ what: `the server of names at ${server}`, make: () => ask(server) })),
];

async function ask(server: string): Promise<string | null> {
  const resolver = new Resolver(patience);
  resolver.setServers([server]);
  try {
    const addresses = await resolver.resolve4(`${randomBytes(8).toString('hex')}.example.com`);
    return `it answered ${addresses.join(', ')}`;
  } catch (error) {
    const code = codeOf(error);
    return unheard.has(code) ? null : `it answered ${code}`;
  }
}
