import { z } from 'zod';
import { RunId, Sha256, Timestamp } from './names.ts';

/** A run's journal, or `service` for `runs/telemetry.jsonl`, which belongs to no run. */
export const JournalName = z.union([RunId, z.literal('service')]);
export type JournalName = z.infer<typeof JournalName>;

/**
 * One line of `runs/heads.jsonl`: journal `journal` had `events` lines, the last of which has the SHA-256 `head`. Chained by `prev`
 * as a journal's lines are, so that a removed run, or the cut tail of one, shows. Written after the line it tells of is durable.
 */
export const JournalHead = z.strictObject({
  ts: Timestamp,
  seq: z.int().positive(),
  prev: Sha256,
  journal: JournalName,
  events: z.int().positive(),
  head: Sha256,
});
export type JournalHead = z.infer<typeof JournalHead>;

/**
 * How far a journal had come with what a message in the room tells, in the content of that message under `headField`. Whoever writes
 * a journal anew on its own machine cannot take back what the homeserver has.
 */
export const PostedHead = JournalHead.pick({ journal: true, events: true, head: true });
export type PostedHead = z.infer<typeof PostedHead>;
export const headField = 'org.countersign.head';
