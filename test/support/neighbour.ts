import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { ListeningProcess } from './listening-process.ts';

/** Documentation's own network: nothing else on this machine has an address of it. */
const [ours, its] = ['198.51.100.1', '198.51.100.2'];
const port = 4000;

/** Says what reaches it, a line for each, by whatever way. */
const program = `
  require('node:net').createServer((socket) => console.log('tcp', socket.remoteAddress)).listen(${port});
  const udp = require('node:dgram').createSocket('udp4');
  udp.on('message', (_message, { address }) => console.log('udp', address));
  udp.bind(${port}, () => console.log('ready'));
`;

/**
 * A machine beside this one, in a network namespace of its own, with a way back to everything that is here: whoever gets as far as to
 * it is heard. Needs root.
 */
export class Neighbour implements AsyncDisposable {
  readonly address = its;
  readonly port = port;
  readonly #name: string;
  readonly #listening: ListeningProcess;

  private constructor(name: string, listening: ListeningProcess) {
    this.#name = name;
    this.#listening = listening;
  }

  static async join(): Promise<Neighbour> {
    const name = `cs-${randomBytes(4).toString('hex')}`;
    const ip = (...words: readonly string[]) => execa('ip', words);
    await ip('netns', 'add', name);
    await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'outside', 'netns', name);
    await ip('address', 'add', `${ours}/30`, 'dev', name);
    await ip('link', 'set', name, 'up');
    for (const words of [
      ['address', 'add', `${its}/30`, 'dev', 'outside'],
      ['link', 'set', 'outside', 'up'],
      ['link', 'set', 'lo', 'up'],
      ['route', 'add', 'default', 'via', ours],
    ])
      await ip('-n', name, ...words);
    const entered = ['netns', 'exec', name, process.execPath];
    return new Neighbour(name, await ListeningProcess.start('ip', [...entered, '-e', program]));
  }

  /** What has reached it since it was last asked: the way, and the address that it came from. */
  takeHeard(): string[] {
    return this.#listening.takeHeard();
  }

  /** What comes of its connecting to a port of this machine: `connected`, or the error's code. */
  async asks(at: number): Promise<string> {
    const { stdout } = await execa('ip', ['netns', 'exec', this.#name, process.execPath, '-e', connecting(ours, at)]);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening[Symbol.asyncDispose]();
    await execa('ip', ['link', 'delete', this.#name], { reject: false });
    await execa('ip', ['netns', 'delete', this.#name]);
  }
}

/** For `node -e`: how a connection ends. */
function connecting(address: string, at: number): string {
  return `
    const socket = require('node:net').connect({ host: '${address}', port: ${at}, timeout: 3000 });
    socket.on('connect', () => { console.log('connected'); socket.destroy(); });
    socket.on('timeout', () => socket.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
    socket.on('error', ({ code }) => console.log(code));
  `;
}

/** For `node -e` in a container: tries to be heard by every way, and says how each of them ended. */
export function calling({ address, port: at }: Pick<Neighbour, 'address' | 'port'>): string {
  return `
    ${connecting(address, at)}
    const udp = require('node:dgram').createSocket('udp4');
    udp.on('error', ({ code }) => console.log(code));
    udp.send('x', ${at}, '${address}', () => udp.close());
  `;
}
