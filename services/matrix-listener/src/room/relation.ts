import { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import { z } from 'zod';

const RelatesTo = z.object({
  rel_type: z.string().optional(),
  event_id: MatrixEventId.optional(),
  key: z.string().max(64).optional(),
  is_falling_back: z.boolean().optional(),
  'm.in_reply_to': z.object({ event_id: MatrixEventId }).optional(),
});

/**
 * How an event refers to an earlier one. `about` are all events that it is said in answer to; `thread` is the first message of the
 * thread that it stands in without being a reply to any message in particular.
 */
export type Relation =
  | { readonly kind: 'none' }
  | { readonly kind: 'edit' }
  | { readonly kind: 'reaction'; readonly event: MatrixEventId; readonly key: string }
  | {
      readonly kind: 'answer';
      readonly about: readonly MatrixEventId[];
      readonly isReply: boolean;
      readonly thread: MatrixEventId | null;
    }
  | { readonly kind: 'unusable' };

/** The event that an edit is to replace; null for what is no edit. Pure. */
export function editedBy(content: Readonly<Record<string, unknown>>): MatrixEventId | null {
  const parsed = RelatesTo.safeParse(content['m.relates_to']);
  return parsed.success && parsed.data.rel_type === 'm.replace' ? (parsed.data.event_id ?? null) : null;
}

/** The first message of the thread that a message stands in, or null where it stands in none. Pure. */
export function threadRootOf(content: Readonly<Record<string, unknown>>): MatrixEventId | null {
  const parsed = RelatesTo.safeParse(content['m.relates_to']);
  return parsed.success && parsed.data.rel_type === 'm.thread' ? (parsed.data.event_id ?? null) : null;
}

/** Reads `m.relates_to`. The type comes first: a message in a thread carries a reply for clients that know no threads. Pure. */
export function readRelation(content: Readonly<Record<string, unknown>>): Relation {
  if ('m.new_content' in content) return { kind: 'edit' };
  const raw = content['m.relates_to'];
  if (raw === undefined || raw === null) return { kind: 'none' };
  const parsed = RelatesTo.safeParse(raw);
  if (!parsed.success) return { kind: 'unusable' };
  const { rel_type: type, event_id: event, key, is_falling_back: isFallback, 'm.in_reply_to': reply } = parsed.data;
  switch (type) {
    case 'm.replace':
      return { kind: 'edit' };
    case 'm.annotation':
      return event === undefined || key === undefined ? { kind: 'unusable' } : { kind: 'reaction', event, key };
    case 'm.thread': {
      if (event === undefined) return { kind: 'unusable' };
      const isReply = reply !== undefined && isFallback !== true;
      return {
        kind: 'answer',
        about: isReply ? [event, reply.event_id] : [event],
        isReply: reply !== undefined,
        thread: isReply ? null : event,
      };
    }
    case undefined:
      return reply === undefined
        ? { kind: 'none' }
        : { kind: 'answer', about: [reply.event_id], isReply: true, thread: null };
    default:
      return { kind: 'unusable' };
  }
}
