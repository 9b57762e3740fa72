import type { Target } from './plan.ts';

/** What was seen on the way; printed, and judged only where it has a bound. */
export class Figures {
  readonly #kills = new Map<string, number>();
  readonly #recoveries = new Map<string, number[]>();
  #commands = 0;
  #refusedCommands = 0;
  #runnerPeakKib = 0;

  killed(what: Target | 'sandbox'): void {
    this.#kills.set(what, (this.#kills.get(what) ?? 0) + 1);
  }

  recovered(what: Target, tookMs: number): void {
    this.#recoveries.set(what, [...(this.#recoveries.get(what) ?? []), tookMs]);
  }

  commanded(accepted: boolean): void {
    this.#commands += 1;
    if (!accepted) this.#refusedCommands += 1;
  }

  runnerHolds(kib: number): void {
    this.#runnerPeakKib = Math.max(this.#runnerPeakKib, kib);
  }

  get runnerPeakMib(): number {
    return Math.round(this.#runnerPeakKib / 1024);
  }

  lines(): string[] {
    const kills = [...this.#kills].map(([what, count]) => {
      const recoveries = (this.#recoveries.get(what) ?? []).sort((a, b) => a - b);
      const middle = recoveries[Math.floor(recoveries.length / 2)];
      const back = middle === undefined ? '' : `, healthy again after ${middle} ms (longest ${recoveries.at(-1)} ms)`;
      return `  ${what}: killed ${count} times${back}`;
    });
    return [
      ...kills,
      `  commands of the operator: ${this.#commands}, not carried out: ${this.#refusedCommands}`,
      `  the runner's largest size: ${this.runnerPeakMib} MiB`,
    ];
  }
}
