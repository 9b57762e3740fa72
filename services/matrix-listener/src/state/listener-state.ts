import { MatrixEventId, MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { RunId, Sha256, TaskId, Timestamp } from '@countersign/contracts/names.ts';
import { z } from 'zod';

/** What a gate message asked for. */
const Request = z.strictObject({
  /** `approval`: that work may begin; `review`: that its result may be merged. */
  asks: z.enum(['approval', 'review']).default('approval'),
  task: TaskId,
  run: RunId,
  stage: z.string(),
  /** Of the bundle or the saved diff that the message showed; an answer to the message binds to it. */
  digest: Sha256,
  file: z.string(),
  droppedAs: z.string(),
  /** The first message of the thread that it stands in; null when it stands in the room itself. */
  thread: MatrixEventId.nullable().default(null),
});
export type Request = z.infer<typeof Request>;

const Gate = Request.extend({
  event: MatrixEventId,
  /** The place among what the room has shown; null until it has shown it. */
  seen: z.int().positive().nullable(),
  /** The task waits no more, or for something else. */
  closed: z.boolean(),
});
export type Gate = z.infer<typeof Gate>;

/** A message that is to be in the room once. */
const Outgoing = z.strictObject({
  /** Made from what it announces; the homeserver's transaction id, and a mark in the message by which it is known again. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  content: z.record(z.string(), z.json()),
  request: Request.nullable(),
});
export type Outgoing = z.infer<typeof Outgoing>;

const Issued = z.strictObject({
  command: z.string(),
  /** The message that the verdict is an answer to. */
  answerTo: MatrixEventId,
  at: Timestamp,
  /** `late`: the room was told that the verdict is still to come. */
  stands: z.enum(['waiting', 'late', 'answered']),
});
export type Issued = z.infer<typeof Issued>;

/** `state.json`: what the listener has done, and so need not do again. */
export const ListenerState = z.strictObject({
  version: z.literal(1),
  room: MatrixRoomId,
  bot: MatrixUserId,
  /** The homeserver's name for how far the room was read; null before the first start. */
  since: z.string().nullable(),
  /** How far a gap behind `since` was gone through, which takes several steps; null when there is none. */
  gap: z.string().nullable().default(null),
  /** Events that were dealt with, oldest first. */
  handled: z.array(z.string()),
  /** How many gate messages the room has shown. */
  shown: z.int().nonnegative(),
  gates: z.array(Gate),
  outgoing: z.array(Outgoing),
  /** Requests that were taken back before their sending was answered: one of them may be in the room all the same. */
  withdrawn: z.array(Outgoing.pick({ key: true, request: true })).default([]),
  issued: z.array(Issued),
  /** Of each journal, the bytes that were read. Null before the first start. */
  journals: z.record(z.string(), z.int().nonnegative()).nullable(),
});
export type ListenerState = z.infer<typeof ListenerState>;

/** Before the first start for a room. */
export function emptyState(room: MatrixRoomId, bot: MatrixUserId): ListenerState {
  return {
    version: 1,
    room,
    bot,
    since: null,
    gap: null,
    handled: [],
    shown: 0,
    gates: [],
    outgoing: [],
    withdrawn: [],
    issued: [],
    journals: null,
  };
}
