/**
 * What lies between the decision that a task begins and its sandbox's first instruction. A sandbox is had while the packet is made;
 * which of the two ends last counts with what it took longer.
 */
const names = ['grounds', 'preconditions', 'packet', 'sandbox', 'journal', 'sandbox_began'] as const;
export type StageName = (typeof names)[number];

/** Times the stages of a task's way into its sandbox: each from the end of the one before. */
export class Stages {
  readonly #clock: () => number;
  readonly #ms: Partial<Record<StageName, number>> = {};
  #last: number;

  /** @param clock milliseconds of a clock that does not go back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#last = clock();
  }

  /** A stage is over. One that is passed a second time, as after a lost connection, counts with what it took by then. */
  end(name: StageName): void {
    const now = this.#clock();
    this.#ms[name] = (this.#ms[name] ?? 0) + now - this.#last;
    this.#last = now;
  }

  /** What each took, in milliseconds to a tenth; a stage that was not passed is left out. */
  get ms(): Partial<Record<StageName, number>> {
    const passed = names.flatMap((name) => {
      const ms = this.#ms[name];
      return ms === undefined ? [] : [[name, Math.round(ms * 10) / 10] as const];
    });
    return Object.fromEntries(passed);
  }
}
