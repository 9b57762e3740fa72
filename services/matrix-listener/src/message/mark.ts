import type { Post } from '../adapters/matrix.ts';

/** Where what the bot has posted bears its key. */
const field = 'org.countersign.key';

/** What is posted: with the key in its content, by which the bot knows it again. */
export function withMark({ type, key, content }: Post): Post {
  return { type, key, content: { ...content, [field]: key } };
}

/** The key in something that the bot has posted, or null. */
export function markOf(content: Readonly<Record<string, unknown>>): string | null {
  const key = content[field];
  return typeof key === 'string' ? key : null;
}
