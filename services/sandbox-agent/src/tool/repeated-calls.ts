import { TaskFailure } from './failure.ts';
import { toolLimits } from './limits.ts';
import type { Call } from './message.ts';

/** Notices when a model makes the same call again and again. */
export class RepeatedCalls {
  #last = '';
  #count = 0;

  /** @returns a warning for the model, if it deserves one @throws TaskFailure `repeated_calls` */
  count(call: Call): string | undefined {
    const key = JSON.stringify([call.name, call.arguments]);
    this.#count = key === this.#last ? this.#count + 1 : 1;
    this.#last = key;
    if (this.#count >= toolLimits.repeatedCallsEnded)
      throw new TaskFailure(
        'repeated_calls',
        `the model called ${call.name} ${this.#count} times in a row with the same arguments`,
      );
    if (this.#count < toolLimits.repeatedCallsWarned) return undefined;
    return `You have made this very call ${this.#count} times in a row. Do something else, or finish.`;
  }
}
