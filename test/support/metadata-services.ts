import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker, sandboxImage } from './launcher-fixture.ts';

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
  readonly #listening: ChildProcess;
  #heard = '';

  private constructor(container: string, entered: readonly string[]) {
    this.#container = container;
    this.network = `container:${container}`;
    const [command = '', ...words] = [...entered, process.execPath, '-e', program];
    this.#listening = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#listening.stdout?.on('data', (said: Buffer) => {
      this.#heard += said.toString();
    });
  }

  /** @param told what the container is told by a variable and by a label, and nobody else */
  static async start(told: readonly [variable: string, label: string]): Promise<MetadataServices> {
    const flags = ['--detach', '--rm', '--network=none', '--entrypoint=sleep'];
    const names = ['--label=countersign.test', `--env=TOLD=${told[0]}`, `--label=countersign.told=${told[1]}`];
    const container = await docker('run', ...flags, ...names, sandboxImage, '3600');
    const pid = await docker('inspect', '--format', '{{.State.Pid}}', container);
    const entered = ['nsenter', `--net=/proc/${pid}/ns/net`];
    const services = new MetadataServices(container, [
      ...entered,
      ...['sh', '-euc'],
      `sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 net.ipv6.bindv6only=0
      for address in ${metadataAddresses.join(' ')}; do ip address add $address dev lo; done
      exec "$@"`,
      'sh',
    ]);
    while (!services.#heard.includes('ready')) await sleep(20);
    services.takeHeard();
    return services;
  }

  /** What has reached it since it was last asked. */
  takeHeard(): string[] {
    const lines = this.#heard.split('\n').filter((line) => line !== '');
    this.#heard = '';
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#listening, 'exit');
    this.#listening.kill('SIGKILL');
    await ended;
    await docker('rm', '--force', this.#container);
  }
}
