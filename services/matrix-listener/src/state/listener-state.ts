import { AttachedFileName } from '@countersign/contracts/attached-file.ts';
import { PostedHead } from '@countersign/contracts/journal-head.ts';
import { MatrixEventId, MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { QuestionId, RunId, Sha256, TaskId, Timestamp } from '@countersign/contracts/names.ts';
import { WaitKind } from '@countersign/contracts/wait.ts';
import { z } from 'zod';

const messageKeyText = z.string().regex(/^[0-9a-f]{32}$/);

/** What a gate message asked for. */
const Request = z.strictObject({
  /** `approval`: that work may begin; `review`: that its result may be merged; `answer`: what its tool wants to know. */
  asks: z.enum(['approval', 'review', 'answer']).default('approval'),
  task: TaskId,
  run: RunId,
  stage: z.string(),
  /** Of the bundle, the saved diff or the question that the message showed; a decision on the first two binds to it. */
  digest: Sha256,
  file: z.string(),
  droppedAs: z.string(),
  /** The first message of the thread that it stands in; null when it stands in the room itself. */
  thread: MatrixEventId.nullable().default(null),
  /** What a task's tool wants to know. */
  question: z
    .strictObject({ id: QuestionId, options: z.array(z.string()) })
    .nullable()
    .default(null),
  /** When it was asked here; null of what an earlier version asked. */
  askedAt: Timestamp.nullable().default(null),
  /** Of an approval or an answer: it is to be given before this. */
  expiresAt: Timestamp.nullable().default(null),
  /** It was asked in quiet hours, and no phone has rung for it. */
  isSilent: z.boolean().default(false),
});
export type Request = z.infer<typeof Request>;

/** What became of the thing that a message asked about, in few words. */
const Standing = z.strictObject({
  /** Our own words. */
  title: z.string().max(100),
  /** May quote others. */
  words: z.string().max(2_000),
  /** Somebody else's words that it is about, to be shown as such on a line of their own. */
  quote: z.string().max(2_000).optional(),
  /** Since when it is being worked on, where the room is to see how long it takes. */
  since: Timestamp.nullable(),
});
export type Standing = z.infer<typeof Standing>;

const Gate = Request.extend({
  event: MatrixEventId,
  /** The place among what the room has shown; null until it has shown it. */
  seen: z.int().positive().nullable(),
  /** The task waits no more, or for something else. */
  closed: z.boolean(),
  /** What the message is to tell, edited in place; null while it may stay as it was posted. */
  standing: Standing.nullable().default(null),
  /** The text that the last edit gave it; null before the first. */
  edited: z.string().nullable().default(null),
  /** How often it was edited. */
  edits: z.int().nonnegative().default(0),
  /** How far the journal had come with what the message is to tell. */
  head: PostedHead.nullable().default(null),
  /** How many of the times after which it is called for again have passed and were said. */
  calls: z.int().nonnegative().default(0),
  /** That it expires soon was said. */
  isNearEnd: z.boolean().default(false),
});
export type Gate = z.infer<typeof Gate>;

/** What the room was just asked. @param seen its place among what the room has shown, when it was seen there */
export function newGate(request: Request, event: MatrixEventId, seen: number | null): Gate {
  const unedited = { standing: null, edited: null, edits: 0, head: null };
  return { ...request, event, seen, closed: false, ...unedited, calls: 0, isNearEnd: false };
}

/** A file that is to be read, checked and put among the homeserver's media before it can be posted. */
const QueuedFile = z.strictObject({
  /** The key of the message that it belongs to, in whose thread it goes. */
  of: messageKeyText,
  task: TaskId,
  name: AttachedFileName,
  /** Below `volumes/`. */
  path: z.string(),
  sha256: Sha256,
});
export type QueuedFile = z.infer<typeof QueuedFile>;

/** A message that is to be in the room once. */
const Outgoing = z.strictObject({
  /** Made from what it announces; the homeserver's transaction id, and a mark in the message by which it is known again. */
  key: messageKeyText,
  type: z.enum(['m.room.message', 'm.reaction']).default('m.room.message'),
  /** Empty for a file: it is made when that has gone up. */
  content: z.record(z.string(), z.json()),
  request: Request.nullable(),
  file: QueuedFile.optional(),
});
export type Outgoing = z.infer<typeof Outgoing>;

const Issued = z.strictObject({
  command: z.string(),
  /** The message that the verdict is an answer to. */
  answerTo: MatrixEventId,
  at: Timestamp,
  /** `late`: the room was told that the verdict is still to come. */
  stands: z.enum(['waiting', 'late', 'answered']),
  /** The verdict was quicker than our own note of the command: whether words are still to get a sign is known with that. */
  owesSign: z.boolean().default(false),
  /** It holds a one-time code, and so is worth nothing after a moment. */
  hasCode: z.literal(true).optional(),
});
export type Issued = z.infer<typeof Issued>;

/** A task that has not ended: it can be named, and what it waits for is told where the room was asked about it. */
const OpenTask = z.strictObject({
  task: TaskId,
  file: z.string(),
  droppedAs: z.string(),
  /** What holds it up now; null where nothing does, or nobody here was asked about it. */
  wait: z.strictObject({ kind: WaitKind, since: Timestamp, words: z.string() }).nullable(),
  /** Kinds of waits that were told of it: each once. */
  told: z.array(WaitKind),
});
export type OpenTask = z.infer<typeof OpenTask>;

/** An approval that was signed, or is about to be; what withdraws its event takes it back. */
const GivenApproval = z.strictObject({
  event: MatrixEventId,
  sender: z.string(),
  task: TaskId,
  command: z.string(),
  /** Milliseconds since 1970; what takes it back is issued later. */
  issued: z.number(),
  /** The message that it was given on. */
  answerTo: MatrixEventId,
});
export type GivenApproval = z.infer<typeof GivenApproval>;

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
  tasks: z.array(OpenTask).default([]),
  approvals: z.array(GivenApproval).default([]),
  /** What was said so long ago that it did not count, since the room was last told of such things: how many, and the first of them. */
  late: z
    .strictObject({
      count: z.int().nonnegative(),
      first: z.array(z.strictObject({ answerTo: MatrixEventId, words: z.string() })),
    })
    .default({ count: 0, first: [] }),
  /** Breakers of which the room was told that they are open, and not yet that they are closed. */
  breakers: z.array(z.string()).default([]),
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
    tasks: [],
    approvals: [],
    late: { count: 0, first: [] },
    breakers: [],
    journals: null,
  };
}
