import type { ListenerState } from './listener-state.ts';
import type { StateFile } from './state-file.ts';

type Change = (state: ListenerState) => void;

/** Changes of the state that count at once for whoever looks at `now`, and are kept together, in their order. */
export class Draft {
  readonly #file: StateFile;
  readonly #state: ListenerState;
  readonly #changes: Change[] = [];

  constructor(file: StateFile) {
    this.#file = file;
    this.#state = structuredClone(file.now) as ListenerState;
  }

  get now(): Readonly<ListenerState> {
    return this.#state;
  }

  apply(change: Change): void {
    change(this.#state);
    this.#changes.push(change);
  }

  /** Resolves when everything that was applied is on disk; what could not be kept is kept with the next. */
  async keep(): Promise<void> {
    const changes = [...this.#changes];
    if (changes.length === 0) return;
    await this.#file.update((next) => {
      for (const change of changes) change(next);
    });
    this.#changes.splice(0, changes.length);
  }
}
