import { headField, type PostedHead } from '@countersign/contracts/journal-head.ts';
import type { Change } from './announce.ts';

/** The same change, after which every message that it queues or changes in place says how far the journal had come. */
export function witnessed(change: Change, head: PostedHead): Change {
  return (state) => {
    const queued = new Set(state.outgoing);
    const standings = new Map(state.gates.map((gate) => [gate, gate.standing]));
    change(state);
    // A file's content is made when it has gone up.
    for (const message of state.outgoing)
      if (!queued.has(message) && message.type === 'm.room.message' && message.file === undefined)
        message.content = { ...message.content, [headField]: head };
    for (const gate of state.gates) if (gate.standing !== (standings.get(gate) ?? null)) gate.head = head;
  };
}
