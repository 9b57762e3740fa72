import { setTimeout as sleep } from 'node:timers/promises';
import { questionLimits } from '@countersign/contracts/limits.ts';
import type { Post, PostRefusal, Room, RoomEvent } from '@countersign/contracts/task-room.ts';

/** What the runner said of a post, or that it has not said anything in time. */
export type PostEnd =
  | { readonly status: 'asked'; readonly event: RoomEvent }
  | { readonly status: 'refused'; readonly refusal: PostRefusal }
  | { readonly status: 'full' | 'unheard' };

/**
 * One slot's room, as far as the runner has told of it, and what its tool has put to the runner. Nothing here is more than a copy:
 * the runner tells a gateway that was restarted everything anew, and who asked asks again.
 */
export class TaskRoom {
  #events: readonly RoomEvent[] | null = null;
  readonly #posts = new Map<string, Post>();
  readonly #refusals = new Map<string, PostRefusal>();
  #changed = Promise.withResolvers<void>();

  /** How many events are known; null while nothing was told. */
  get known(): number | null {
    return this.#events?.length ?? null;
  }

  /** What waits for the runner's word. */
  get posts(): readonly Post[] {
    return [...this.#posts.values()];
  }

  /** To be told what the runner knows. A room only grows: what comes late takes nothing back. */
  told({ events, refusals }: Room): void {
    if (events.length >= (this.#events?.length ?? 0)) this.#events = events;
    for (const refusal of refusals)
      if (this.#posts.has(refusal.transaction)) this.#refusals.set(refusal.transaction, refusal);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Puts a question to the runner and waits for its word. The same transaction is the same question, whatever it says the second
   * time, as everywhere in Matrix.
   * @param holdMs how long the word is waited for; the question is then no longer put
   */
  async post(post: Post, holdMs: number, signal: AbortSignal): Promise<PostEnd> {
    const event = this.#asked(post);
    if (event !== null) return { status: 'asked', event };
    if (this.#posts.has(post.transaction) || this.#posts.size >= questionLimits.posts) return { status: 'full' };
    this.#posts.set(post.transaction, post);
    try {
      return (await this.#when(() => this.#wordOn(post), holdMs, signal)) ?? { status: 'unheard' };
    } finally {
      this.#posts.delete(post.transaction);
      this.#refusals.delete(post.transaction);
    }
  }

  /** All events, once there are more than `since` of them, or the wait is over. */
  async read(since: number, holdMs: number, signal: AbortSignal): Promise<readonly RoomEvent[]> {
    const more = () => ((this.#events?.length ?? 0) > since ? this.#events : null);
    return (await this.#when(more, holdMs, signal)) ?? this.#events ?? [];
  }

  #wordOn(post: Post): PostEnd | null {
    const event = this.#asked(post);
    if (event !== null) return { status: 'asked', event };
    const refusal = this.#refusals.get(post.transaction);
    return refusal === undefined ? null : { status: 'refused', refusal };
  }

  #asked({ transaction }: Post): RoomEvent | null {
    return this.#events?.find((event) => event.kind === 'question' && event.transaction === transaction) ?? null;
  }

  async #when<Value>(look: () => Value | null, holdMs: number, signal: AbortSignal): Promise<Value | null> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const late = sleep(holdMs, null, { signal: either }).catch(() => null);
    try {
      for (;;) {
        const value = look();
        if (value !== null || signal.aborted) return value;
        const { promise } = this.#changed;
        if ((await Promise.race([promise.then(() => 'changed'), late])) !== 'changed') return look();
      }
    } finally {
      over.abort();
    }
  }
}
