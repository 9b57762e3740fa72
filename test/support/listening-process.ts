import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that prints `ready` when it listens, and then a line for whatever reaches it. */
export class ListeningProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #heard = '';

  private constructor(command: string, words: readonly string[]) {
    this.#child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout?.on('data', (said: Buffer) => {
      this.#heard += said.toString();
    });
  }

  /** Resolves when it listens. */
  static async start(command: string, words: readonly string[]): Promise<ListeningProcess> {
    const listening = new ListeningProcess(command, words);
    while (!listening.#heard.includes('ready')) await sleep(20);
    listening.takeHeard();
    return listening;
  }

  /** What has reached it since it was last asked, a line for each. */
  takeHeard(): string[] {
    const lines = this.#heard.split('\n').filter((line) => line !== '');
    this.#heard = '';
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
