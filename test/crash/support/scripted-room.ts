import type { Slot } from '@countersign/contracts/gateway-api.ts';
import type { AskedQuestion } from '@countersign/contracts/question.ts';
import type { Post, Room, RoomEvent } from '@countersign/contracts/task-room.ts';

/** What the gateway has of one slot's room: what its tool asks until the runner has an answer to that, and what the runner told. */
export class ScriptedRoom {
  #posts: Post[] = [];
  #events: readonly RoomEvent[] | null = null;

  ask(transaction: string, question: AskedQuestion): void {
    this.#posts.push({ transaction, question });
  }

  told({ events, refusals }: Room): void {
    this.#events = events;
    const settled = new Set([
      ...events.map((event) => (event.kind === 'question' ? event.transaction : '')),
      ...refusals.map(({ transaction }) => transaction),
    ]);
    this.#posts = this.#posts.filter(({ transaction }) => !settled.has(transaction));
  }

  /** As the runner reads it when it meters the slot. */
  get reading(): Pick<Slot, 'events' | 'posts'> {
    return { events: this.#events?.length ?? null, posts: this.#posts };
  }

  /** What its tool has heard. */
  get heard(): readonly RoomEvent[] {
    return this.#events ?? [];
  }

  get isAnswered(): boolean {
    return this.heard.some(({ kind }) => kind === 'answer');
  }
}
