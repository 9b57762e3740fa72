import { z } from 'zod';
import { TokenCount } from './event.ts';
import { questionLimits } from './limits.ts';
import { SlotId } from './names.ts';
import { Post } from './task-room.ts';

/**
 * The gateway's HTTP API on its control socket.
 *
 * - `PUT /slots/:id` OpenSlot → 200 Slot: `ollama.sock` and `synapse.sock` in `model-slots/<id>/` listen; safe to repeat, which is how a slot survives a restart of the gateway
 * - `GET /slots/:id` → 200 Slot, 404
 * - `PUT /slots/:id/room` Room → 200 Slot, 404: what stands in the task's room, whole; safe to repeat
 * - `DELETE /slots/:id` → 204
 * - `GET /model` → 200 ModelReport
 * - `GET /health` → 200 GatewayHealth
 */
export const OpenSlot = z.strictObject({
  /** What the task that it serves may use of the model; beyond it every request is refused. Absent: what it was. */
  budget: z.strictObject({ tokens: z.int().positive().nullable(), requests: z.int().positive().nullable() }).optional(),
  /** What the runner knows to be spent: a gateway that was restarted goes on from there. */
  spent: TokenCount.optional(),
});
export type OpenSlot = z.infer<typeof OpenSlot>;

export const Slot = z.strictObject({
  id: SlotId,
  /** Metered here, from what the model server says. */
  tokens: TokenCount,
  /** The item of its budget that is used up. */
  exceeded: z.enum(['tokens', 'requests']).nullable(),
  /** How many events of its room are known here; null while nothing was told of it. */
  events: z
    .int()
    .nonnegative()
    .max(2 * questionLimits.questions)
    .nullable()
    .default(null),
  /** What its tool asks, and is not told yet whether it may. */
  posts: z.array(Post).max(questionLimits.posts).default([]),
});
export type Slot = z.infer<typeof Slot>;

/** Where inference happens: the operator's own server, the stack's Ollama, or the stand-in where no image registry answers. */
export const ModelKind = z.enum(['own', 'ollama', 'rehearsal']);
export type ModelKind = z.infer<typeof ModelKind>;

/** What is known of the model server now; asked of it at most every few seconds. */
export const ModelReport = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('ready'),
    kind: ModelKind,
    name: z.string(),
    /** In tokens, from the model's own description. */
    context_length: z.int().positive(),
    tools: z.boolean(),
  }),
  z.strictObject({
    status: z.enum(['unreachable', 'missing']),
    kind: ModelKind,
    name: z.string(),
    /** For people: what was tried, what came back, what to do. */
    reason: z.string(),
  }),
]);
export type ModelReport = z.infer<typeof ModelReport>;

export const GatewayHealth = z.strictObject({ status: z.literal('ok'), slots: z.int().nonnegative() });
export type GatewayHealth = z.infer<typeof GatewayHealth>;

/**
 * The listener's door to the homeserver is HTTP on a unix socket, by the client API's own paths. What the gateway itself answers
 * has Matrix's error shape, with one of these codes, and `error` for people.
 */
export const DoorError = z.object({
  errcode: z.enum([
    /** Not on the list of routes, or not in the shape that the list wants (400, 403, 408, 413, 431). */
    'COUNTERSIGN_NOT_ALLOWED',
    /** The homeserver's name has no address, or one that is not connected to: the operator has to mend a setting (503). */
    'COUNTERSIGN_ADDRESS',
    /** It does not answer (503, 504), or the gateway has no room for the request now (500, 503). */
    'COUNTERSIGN_UNREACHABLE',
    /** It answers with what is not passed on: a redirect, an encoding, too much (502). */
    'COUNTERSIGN_BAD_ANSWER',
  ]),
  error: z.string(),
});
export type DoorError = z.infer<typeof DoorError>;
