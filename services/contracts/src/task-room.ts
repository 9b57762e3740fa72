import { z } from 'zod';
import { questionLimits } from './limits.ts';
import { MatrixRoomId } from './matrix-names.ts';
import { QuestionId, Timestamp } from './names.ts';
import { AnswerOutcome, AskedQuestion, TransactionId } from './question.ts';

/**
 * A task's own Matrix, `synapse.sock` in its slot's model folder and 127.0.0.1:8008 in its sandbox: HTTP with two routes of the
 * client API, in one room, without a token.
 *
 * - `PUT /_matrix/client/v3/rooms/{roomId}/send/m.room.message/{txnId}` asks a question → 200 `{event_id}` once it is written down
 * - `GET /_matrix/client/v3/sync?since=…&timeout=…` → 200 with the room's events since then, as soon as there is one
 *
 * Refusals have Matrix's shape: `errcode` and `error`.
 */
export const taskRoom = MatrixRoomId.parse('!task:countersign');

/** Who says what in a task's room. Which person answered is not told to a sandbox. */
export const roomUsers = { tool: '@tool:countersign', operator: '@operator:countersign' } as const;

/** The key of an answer's facts in its content. */
export const answerKey = 'org.countersign.answer';

/** What a tool sends. Without its own field the message asks for any text, and silence stops the attempt. */
export const QuestionContent = z.strictObject({
  msgtype: z.literal('m.text'),
  body: z.string(),
  'org.countersign.question': z
    .strictObject({
      options: z.array(z.string()).optional(),
      default: z.string().optional(),
      deadline_sec: z.number().optional(),
    })
    .optional(),
});
export type QuestionContent = z.infer<typeof QuestionContent>;

/** The question in a message. */
export function questionOf(content: QuestionContent): z.ZodSafeParseResult<AskedQuestion> {
  const { options = [], default: silence = null, deadline_sec } = content['org.countersign.question'] ?? {};
  return AskedQuestion.safeParse({
    text: content.body,
    options,
    default: silence,
    ...(deadline_sec === undefined ? {} : { deadline_sec }),
  });
}

/** What waits at the gateway for the runner's word. */
export const Post = z.strictObject({ transaction: TransactionId, question: AskedQuestion });
export type Post = z.infer<typeof Post>;

/** What stands in a task's room, in the order in which it came to stand there; the gateway makes Matrix's events from it. */
export const RoomEvent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('question'),
    id: QuestionId,
    transaction: TransactionId,
    text: z.string(),
    at: Timestamp,
  }),
  z.strictObject({
    kind: z.literal('answer'),
    question: QuestionId,
    outcome: AnswerOutcome,
    text: z.string().nullable(),
    at: Timestamp,
  }),
]);
export type RoomEvent = z.infer<typeof RoomEvent>;

/** Why a question is not asked, in Matrix's words. */
export const PostRefusal = z.strictObject({
  transaction: TransactionId,
  errcode: z.enum(['M_FORBIDDEN', 'M_LIMIT_EXCEEDED']),
  reason: z.string().max(300),
});
export type PostRefusal = z.infer<typeof PostRefusal>;

/** All that the runner knows of a room. What waits under a transaction that is in it is thereby acknowledged. */
export const Room = z.strictObject({
  events: z.array(RoomEvent).max(2 * questionLimits.questions),
  refusals: z.array(PostRefusal).max(questionLimits.posts),
});
export type Room = z.infer<typeof Room>;
