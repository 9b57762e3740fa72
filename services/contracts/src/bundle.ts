import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { ObjectId, RunId, Sha256, TaskId, Timestamp, WorkspaceName } from './names.ts';

/**
 * What an approval binds to: the one canonical description of what would be run. Everything that is too long to stand here
 * stands as the SHA-256 of its bytes. `bundle.json` holds exactly these bytes.
 */
export const Bundle = z.strictObject({
  version: z.literal(1),
  task: TaskId,
  run: RunId,
  file: z.string(),
  task_file: Sha256,
  /** Of the objective that the task file points to; null when its own body is the objective. */
  spec: Sha256.nullable(),
  plan: Sha256,
  workspace: WorkspaceName,
  stage: z.string(),
  repositories: z.array(z.strictObject({ name: WorkspaceName, branch: z.string(), base_head: ObjectId })),
  tool: z.strictObject({ name: z.string(), definition: Sha256 }),
  model: z.strictObject({ kind: z.string(), name: z.string() }),
  sandbox: z.strictObject({ profile: z.string(), definition: Sha256, image: z.string() }),
  prompts: z.record(z.string(), Sha256),
  /** Of `configs/stages.yaml`. */
  policy: Sha256,
  timeout_sec: z.int().positive(),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  requested_at: Timestamp,
  expires_at: Timestamp,
});
export type Bundle = z.infer<typeof Bundle>;

/** The digest that the human is shown and that a decision names. */
export function bundleDigest(bundle: Bundle): Sha256 {
  return createHash('sha256').update(canonicalJson(bundle)).digest('hex');
}
