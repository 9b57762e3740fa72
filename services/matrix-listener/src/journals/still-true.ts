import type { PostedHead } from '@countersign/contracts/journal-head.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { News } from './news.ts';

/** A piece of news, and how far its journal had come with it. */
export type Heard = News & { readonly head: PostedHead };

/**
 * What of the news of a journal is still to be told when it was read to its end, in its order. What changes nothing any more because
 * of what came after it is let go at once: so much is kept as there are tasks and people's words, and not as there are events.
 */
export class StillTrue {
  readonly #kept = new Set<Heard>();
  readonly #places = new Map<string, Heard>();

  add(item: Heard): void {
    this.#kept.add(item);
    if (!('record' in item)) return;
    const { id, state } = item.record;
    // Whatever a task does next, what it asked before asks nobody any more.
    this.#put(`asks ${id}`, asks(item) ? item : null);
    if (asks(item)) return;
    const isEnd = (item.kind === 'moved' && item.hasEnded) || isFinal(state.status);
    const answered = state.status === 'running' && state.question?.answer ? state.question : null;
    // One that a request follows stays with it: it says that what was asked before is over.
    this.#put(`moved ${id}`, isEnd || answered !== null ? null : item);
    // How a question was answered is known only while its task runs on.
    if (!isEnd && answered !== null) this.#put(`answered ${answered.id}`, item);
  }

  get size(): number {
    return this.#kept.size;
  }

  get all(): readonly Heard[] {
    return [...this.#kept];
  }

  /** In each place there is one: the one before it is let go. */
  #put(place: string, item: Heard | null): void {
    const before = this.#places.get(place);
    if (before !== undefined) this.#kept.delete(before);
    if (item === null) this.#places.delete(place);
    else this.#places.set(place, item);
  }
}

function asks(item: News): item is News & { kind: 'request' | 'review' | 'question' } {
  return item.kind === 'request' || item.kind === 'review' || item.kind === 'question';
}
