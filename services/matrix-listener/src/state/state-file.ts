import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { isMissing, writeFileAtomic } from '@countersign/kit/files.ts';
import { listenerLimits } from '../limits.ts';
import { NextChange } from '../next-change.ts';
import { emptyState, type Gate, ListenerState } from './listener-state.ts';

/**
 * The listener's memory. Invariants: changes are made one after the other, by `update` alone; an update has returned only when
 * the whole of it is on disk; the file is replaced as a whole, so that after a crash an update has happened or it has not.
 */
export class StateFile {
  readonly #path: string;
  readonly #write: typeof writeFileAtomic;
  #state: ListenerState;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #changed = new NextChange();

  private constructor(path: string, state: ListenerState, write: typeof writeFileAtomic) {
    this.#path = path;
    this.#write = write;
    this.#state = state;
  }

  /**
   * Reads what an earlier start kept. That of another room or bot is put aside: nothing of it counts here.
   * @param write an override for tests of a disk that fails
   * @throws Error for a file that is damaged
   */
  static async open(
    folder: string,
    room: MatrixRoomId,
    bot: MatrixUserId,
    write: typeof writeFileAtomic = writeFileAtomic,
  ): Promise<StateFile> {
    const path = join(folder, 'state.json');
    const found = await readState(path);
    if (found !== null && (found.room !== room || found.bot !== bot)) {
      await rename(path, join(folder, `state-${Date.now()}.json`));
      return new StateFile(path, emptyState(room, bot), write);
    }
    return new StateFile(path, found ?? emptyState(room, bot), write);
  }

  get now(): Readonly<ListenerState> {
    return this.#state;
  }

  /** Changes a copy and keeps it. `change` is not to wait for anything. */
  update(change: (state: ListenerState) => void): Promise<void> {
    const updated = this.#turn.then(async () => {
      const next = structuredClone(this.#state);
      change(next);
      trim(next);
      await this.#write(this.#path, JSON.stringify(next), 0o600);
      this.#state = next;
      this.#changed.tell();
    });
    this.#turn = updated.catch(() => undefined);
    return updated;
  }

  /** Is aborted by the next update. */
  get changed(): AbortSignal {
    return this.#changed.signal;
  }
}

async function readState(path: string): Promise<ListenerState | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    return ListenerState.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      'state.json of the listener is damaged: nobody can tell what it has done; restore it or begin anew',
      {
        cause,
      },
    );
  }
}

/** What grows with every task and every word is kept within its limits, the oldest of it forgotten first. */
function trim(state: ListenerState): void {
  state.handled.splice(0, state.handled.length - listenerLimits.handled);
  // What was said of a task that has not ended is still answered, and edited; so many of those are known at most.
  const tasks = new Set(state.tasks.map(({ task }) => task));
  const isOver = ({ closed, task }: Gate) => closed && !tasks.has(task);
  let surplus = state.gates.filter(isOver).length - listenerLimits.closedGates;
  state.gates = state.gates.filter((gate) => !isOver(gate) || surplus-- <= 0);
  state.withdrawn.splice(0, state.withdrawn.length - listenerLimits.withdrawn);
  state.issued.splice(0, state.issued.length - listenerLimits.commands);
  state.tasks.splice(0, state.tasks.length - listenerLimits.tasks);
  state.approvals.splice(0, state.approvals.length - listenerLimits.approvals);
  state.breakers.splice(0, state.breakers.length - listenerLimits.breakers);
}
