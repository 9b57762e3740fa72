import { connect } from 'node:net';
import type Docker from 'dockerode';
import type { Neighbour } from './neighbour.ts';

const patienceMs = 300;

/**
 * Calls on a port of a container from this host, by every address and every published port that the engine tells of it and by the
 * host's own ones, and from the machine beside this one; until somebody answers, or nobody did.
 */
export async function callEverywhere(container: Docker.Container, port: number, neighbour: Neighbour): Promise<void> {
  const { Networks, Ports } = (await container.inspect()).NetworkSettings;
  const addresses = Object.values(Networks).flatMap(({ IPAddress, GlobalIPv6Address }) =>
    [IPAddress, GlobalIPv6Address].filter((address) => address !== ''),
  );
  const published = Object.values(Ports ?? {}).flatMap((all: { HostPort: string }[] | null) =>
    (all ?? []).map(({ HostPort }) => Number(HostPort)),
  );
  const calls: (readonly [string, number])[] = [
    ...addresses.map((address) => [address, port] as const),
    ...[...published, port].map((each) => ['127.0.0.1', each] as const),
  ];
  for (const [host, at] of calls) if (await answers(host, at)) return;
  for (const each of [...published, port]) await neighbour.asks(each);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const end = (isAnswered: boolean) => {
      socket.destroy();
      resolve(isAnswered);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
