import type { Following, Listener } from './feed.ts';

export type IndexOptions = {
  /** The database's file; its folder is there. */
  readonly path: string;
  /** The folder that holds `inbox/`, `outbox/`, `runs/` and `logs/`; nothing in it is opened for writing. */
  readonly volumes: string;
};

/** What is known of the journals and the queue's folders, in a database that can be removed at any time. */
export class Index {
  constructor(_options: IndexOptions) {}

  /** Makes the index, follows the journals, and mends it where it breaks, until the signal. Never throws for what the disk does. */
  async run(_signal: AbortSignal): Promise<void> {
    throw new Error('not yet');
  }

  /** Resolves when everything that the journals held is in it for the first time. */
  async ready(): Promise<void> {
    throw new Error('not yet');
  }

  /** How far it has come: the id of the stream's last batch. */
  get position(): string {
    throw new Error('not yet');
  }

  /** Tells of what changes, at most every 100 ms, until the returned function is called. */
  subscribe(_following: Following, _listener: Listener): () => void {
    throw new Error('not yet');
  }
}
