import { z } from 'zod';
import { ConfinementProof } from './confinement.ts';
import { Timestamp } from './names.ts';

/** A breaker that is not closed: tasks of this workspace with this tool wait. */
export const OpenBreaker = z.strictObject({
  workspace: z.string(),
  tool: z.string(),
  /** `probing`: one task may try whether it goes again. */
  state: z.enum(['open', 'probing']),
  error_class: z.string(),
  /** Of one kind, one after the other. */
  failures: z.int().positive(),
  since: Timestamp,
  /** When one task may try again. */
  until: Timestamp,
});
export type OpenBreaker = z.infer<typeof OpenBreaker>;

/**
 * `runs/queue.json`: what holds up the whole queue or parts of it, for those who only read. Derived from `runs/telemetry.jsonl`,
 * written by the runner alone; made again when it is missing.
 */
export const QueueState = z.strictObject({
  version: z.literal(1),
  paused: z.strictObject({ since: Timestamp, by: z.string(), reason: z.string() }).nullable(),
  breakers: z.array(OpenBreaker),
  /** `missing`: a stage may be decided with a one-time code, and nobody has enrolled one. */
  code: z.literal('missing').optional(),
  /** Of each profile and image that tasks get, whether anything got out of its sandbox when that was tried last. */
  sandboxes: z.array(ConfinementProof).optional(),
});
export type QueueState = z.infer<typeof QueueState>;
