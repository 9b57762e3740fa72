import type { ProgressFrame } from '@countersign/contracts/frames.ts';
import { printableLine } from '../printable.ts';
import { agentLimits } from './limits.ts';

/** What is going on now, for people: the agent's own phases, and `step 3: write_file hello.txt` lines of the tool's. */
export class Progress {
  readonly #send: (progress: ProgressFrame) => void;
  #line = '';
  #waiting: ProgressFrame | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (progress: ProgressFrame) => void) {
    this.#send = send;
  }

  /** Sends at once, or when the last frame is old enough; of several waiting ones only the latest. */
  say(progress: ProgressFrame): void {
    if (this.#timer !== undefined) {
      this.#waiting = progress;
      return;
    }
    this.#send(progress);
    this.#timer = setTimeout(() => this.#release(), agentLimits.progressMs).unref();
  }

  /** Looks for steps in a piece of standard output; what is remembered is one line's start. */
  readonly takeOutput = (data: Buffer): void => {
    const lines = data.toString('utf8').split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      this.#readLine(this.#line + line);
      this.#line = '';
    }
    this.#line = (this.#line + last).slice(0, agentLimits.progressCharacters);
  };

  #readLine(line: string): void {
    const found = /^step (\d{1,6}): (.{1,400})/u.exec(line);
    if (found?.[1] !== undefined && found[2] !== undefined)
      this.say({ summary: printableLine(found[2]), step: Number(found[1]) });
  }

  #release(): void {
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.say(waiting);
  }
}
