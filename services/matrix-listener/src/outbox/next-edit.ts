import type { Post } from '../adapters/matrix.ts';
import type { EditContent } from '../message/content.ts';
import { changesIn, editedMessage, quotedWords, standingWords } from '../message/standing.ts';
import { messageKey } from '../state/key.ts';
import type { Gate, ListenerState } from '../state/listener-state.ts';

/** An edit that is to be made: of which message, and what it says then. */
export type Edit = { readonly gate: Gate; readonly text: string; readonly post: Post };

/**
 * The next message that does not say where its task stands, the newest first. Whatever happened since the last edit, there is one. Pure.
 * @param now in ms since 1970
 * @returns the edit, or in how many milliseconds there may be one without anything else happening
 */
export function nextEdit({ gates }: Pick<ListenerState, 'gates'>, now: number): Edit | { readonly inMs: number } {
  let inMs = Number.POSITIVE_INFINITY;
  for (const gate of gates.toReversed()) {
    if (gate.standing === null) continue;
    const { title } = gate.standing;
    const words = standingWords(gate.standing, now);
    const quote = quotedWords(gate.standing);
    const text = [title, words, ...(quote === null ? [] : [quote])].join('\n');
    if (text !== gate.edited) return { gate, text, post: postOf(gate, editedMessage(gate, title, words, quote), text) };
    inMs = Math.min(inMs, changesIn(gate.standing, now) ?? inMs);
  }
  return { inMs };
}

function postOf(gate: Gate, content: EditContent, text: string): Post {
  const key = messageKey('edit', gate.event, String(gate.edits), text);
  return { type: 'm.room.message', key, content };
}
