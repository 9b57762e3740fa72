import { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import { z } from 'zod';
import { listenerLimits } from '../limits.ts';

/** An event as the homeserver tells it: only what is needed of it, and nothing of it believed. */
export const ObservedEvent = z.object({
  event_id: MatrixEventId,
  type: z.string().max(255),
  sender: z.string().max(255),
  /** Milliseconds since 1970, by the sender's server. */
  origin_server_ts: z.number().optional(),
  content: z.record(z.string(), z.unknown()),
  /** Only in answers that are not about one room anyway. */
  room_id: z.string().optional(),
  state_key: z.string().optional(),
  redacts: z.string().optional(),
  unsigned: z
    .object({
      redacted_because: z.unknown().optional(),
      /** What refers to this event, as far as the homeserver gathers it. */
      'm.relations': z.object({ 'm.replace': z.unknown().optional() }).optional(),
    })
    .optional(),
});
export type ObservedEvent = z.infer<typeof ObservedEvent>;

const position = z.string().min(1).max(2_048);
const events = z.array(z.unknown()).max(listenerLimits.answerEvents);

const Timeline = z.object({
  events: events.default([]),
  /** There is more between the last position and `prev_batch`. */
  limited: z.boolean().default(false),
  prev_batch: position.optional(),
});

export const SyncAnswer = z.object({
  next_batch: position,
  rooms: z
    .object({
      join: z.record(z.string(), z.object({ timeline: Timeline.default({ events: [], limited: false }) })).default({}),
      leave: z.record(z.string(), z.unknown()).default({}),
    })
    .default({ join: {}, leave: {} }),
});
export type SyncAnswer = z.infer<typeof SyncAnswer>;

export const MessagesPage = z.object({ chunk: events, end: position.optional() });
export type MessagesPage = z.infer<typeof MessagesPage>;
