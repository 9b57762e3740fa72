/**
 * What lies between the look for what may begin and the first instruction in a task's sandbox. A sandbox is had while the packet is made;
 * which of the two ends last counts with what it took longer.
 */
const names = ['dispatch', 'grounds', 'preconditions', 'packet', 'sandbox', 'journal', 'sandbox_began'] as const;
export type StageName = (typeof names)[number];

/** Times the stages of a task's way into its sandbox: each from the end of the one before. */
export class Stages {
  readonly #clock: () => number;
  readonly #ms: Partial<Record<StageName, number>> = {};
  #last: number;

  /** @param clock milliseconds of a clock that does not go back; @param began when the first stage began, by this clock */
  constructor(clock: () => number = () => performance.now(), began: number = clock()) {
    this.#clock = clock;
    this.#last = began;
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
      return ms === undefined ? [] : [[name, ms] as const];
    });
    return toTenths(Object.fromEntries(passed));
  }
}

/** Milliseconds as an event says them. */
export function toTenths<Name extends string>(ms: Readonly<Record<Name, number>>): Record<Name, number> {
  const rounded = Object.entries<number>(ms).map(([name, value]) => [name, Math.round(value * 10) / 10]);
  return Object.fromEntries(rounded) as Record<Name, number>;
}
