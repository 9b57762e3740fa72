import { docker, sandboxImage } from './launcher-fixture.ts';
import { ListeningProcess } from './listening-process.ts';

/** Where clouds tell a machine its credentials: most of them, Amazon's in IPv6, and Alibaba's. */
export const metadataAddresses = ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200'] as const;
const port = 80;

const program = `
  require('node:net').createServer(() => console.log('tcp')).listen({ host: '::', port: ${port} }, () => console.log('ready'));
`;

/**
 * A container beside this one, in whose network the metadata services of clouds answer. This machine's own way to such addresses, which
 * it may live by, stays as it is. Needs root.
 */
export class MetadataServices implements AsyncDisposable {
  readonly port = port;
  /** As a container's network mode. */
  readonly network: string;
  readonly #container: string;
  readonly #listening: ListeningProcess;

  private constructor(container: string, listening: ListeningProcess) {
    this.#container = container;
    this.network = `container:${container}`;
    this.#listening = listening;
  }

  /** @param told what the container is told by a variable and by a label, and nobody else */
  static async start(told: readonly [variable: string, label: string]): Promise<MetadataServices> {
    const flags = ['--detach', '--rm', '--network=none', '--entrypoint=sleep'];
    const names = ['--label=countersign.test', `--env=TOLD=${told[0]}`, `--label=countersign.told=${told[1]}`];
    const container = await docker('run', ...flags, ...names, sandboxImage, '3600');
    const pid = await docker('inspect', '--format', '{{.State.Pid}}', container);
    const script = `sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 net.ipv6.bindv6only=0
      for address in ${metadataAddresses.join(' ')}; do ip address add $address dev lo; done
      exec "$@"`;
    const entered = [`--net=/proc/${pid}/ns/net`, 'sh', '-euc', script, 'sh', process.execPath];
    return new MetadataServices(container, await ListeningProcess.start('nsenter', [...entered, '-e', program]));
  }

  /** What has reached it since it was last asked. */
  takeHeard(): string[] {
    return this.#listening.takeHeard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening[Symbol.asyncDispose]();
    await docker('rm', '--force', this.#container);
  }
}
