import { z } from 'zod';
import { ErrorClass, TokenCount } from './event.ts';
import { MemoryTaskId, ObjectId, RunId, Sha256, TaskId, Timestamp, WorkspaceName } from './names.ts';

const words = z.string().max(4_000);
const lines = z.array(z.string().max(1_000)).max(50);

/**
 * What an agent may say of its work, in `handoff.yaml` of its task folder: prose, never taken for a fact. Unknown keys are
 * passed over, for a model wrote it.
 */
export const AgentHandoff = z.object({
  what: words.optional(),
  evidence: z.object({ changed: lines.optional(), validation: lines.optional() }).optional(),
  blocker: words.optional(),
  next: words.optional(),
});
export type AgentHandoff = z.infer<typeof AgentHandoff>;

/**
 * `attempts/<n>/handoff.yaml`: what the next one who takes the task up has to know. `what`, `blocker` and `next` are sentences of
 * ours made from facts; the agent's own words stand under `agent`, and are no facts.
 */
export const Handoff = z.strictObject({
  version: z.literal(1),
  task: TaskId,
  run: RunId,
  attempt: z.int().positive(),
  workspace: WorkspaceName,
  /** The memory task that this run worked for, `T0147`. */
  memory_task: MemoryTaskId.nullable(),
  title: z.string(),
  /** The task's state when this was written. */
  status: z.string(),
  error_class: ErrorClass.nullable(),
  ended_at: Timestamp,
  what: words,
  evidence: z.strictObject({ changed: lines, validation: lines }),
  blocker: words,
  next: words,
  repositories: z.array(
    z.strictObject({
      name: WorkspaceName,
      branch: z.string(),
      base_head: ObjectId,
      /** Null when nothing was changed. */
      head: ObjectId.nullable(),
      ref: z.string().nullable(),
    }),
  ),
  /** Of `diffs/index.json`; null when there is none. */
  diff: Sha256.nullable(),
  model: z.string(),
  /** As the gateway metered them; as the sandbox counted them where the gateway does not know, and null where nobody does. */
  tokens: TokenCount.nullable(),
  duration_ms: z.int().nonnegative(),
  /** Digests of the prompts that were used, by name. */
  prompts: z.record(z.string(), Sha256),
  /** Null when it left none, or none that could be read. */
  agent: AgentHandoff.nullable(),
});
export type Handoff = z.infer<typeof Handoff>;
