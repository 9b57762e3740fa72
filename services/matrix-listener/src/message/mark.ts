import type { Outgoing } from '../state/listener-state.ts';

/** Where a message of the bot's bears its key. */
const field = 'org.countersign.key';

/** The content that is posted: with the key, by which the bot knows its own message again. */
export function withMark({ key, content }: Outgoing): Outgoing['content'] {
  return { ...content, [field]: key };
}

/** The key in a message of the bot's own, or null. */
export function markOf(content: Readonly<Record<string, unknown>>): string | null {
  const key = content[field];
  return typeof key === 'string' ? key : null;
}
