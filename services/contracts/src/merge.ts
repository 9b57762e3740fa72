import { z } from 'zod';
import { WorkspaceName } from './names.ts';

/**
 * Why a merge does not happen. Each is told with what is in the way and with the command that mends it.
 *
 * - `dirty`: the target's checkout holds work of somebody's, or a git operation is under way there
 * - `moved`: the target branch is no longer where the work began
 * - `conflict`: the work could not be carried over to where the branch is now
 * - `checked-out-elsewhere`: another work tree of the repository has the branch checked out
 * - `filters`: the checkout needs conversions that only the operator's own git carries out
 * - `no-snapshot`: the saved diff or the result's commits are not there
 * - `stale-digest`: the diff is not the one that was approved
 * - `unverified`: its postconditions failed, or were never checked
 * - `forbidden-branch`: the task's stage may not merge into this branch
 */
export const MergeRefusalCode = z.enum([
  'dirty',
  'moved',
  'conflict',
  'checked-out-elsewhere',
  'filters',
  'no-snapshot',
  'stale-digest',
  'unverified',
  'forbidden-branch',
]);
export type MergeRefusalCode = z.infer<typeof MergeRefusalCode>;

export const MergeRefusal = z.strictObject({
  code: MergeRefusalCode,
  repository: WorkspaceName,
  /** For people: what is in the way, and the command that mends it. */
  message: z.string().max(1_000),
  /** The files or commits in the way, the first of them; their text is a repository's, so an attacker's. */
  names: z.array(z.string().max(500)).max(20),
});
export type MergeRefusal = z.infer<typeof MergeRefusal>;
