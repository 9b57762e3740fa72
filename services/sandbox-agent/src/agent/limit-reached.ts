/** Why the agent itself ends a tool: it has used more than the task has. Read as a stop's reason, it is a sentence's end. */
export class LimitReached {
  readonly errorClass: 'budget_output' | 'budget_disk';
  readonly limit: number;
  readonly used: number;

  constructor(errorClass: LimitReached['errorClass'], limit: number, used: number) {
    this.errorClass = errorClass;
    this.limit = limit;
    this.used = used;
  }

  toString(): string {
    const what = this.errorClass === 'budget_output' ? 'bytes of output' : 'bytes in /workspace';
    return `more than ${this.limit} ${what} (${this.used})`;
  }
}
