import { z } from 'zod';
import type { TaskId, WorkspaceName } from './names.ts';

/** What the listener puts into a homeserver's media, and the gateway lets through. */
export const attachedFileLimits = { bytes: 2 * 1024 * 1024 } as const;

/** A text, whatever bytes it holds: no homeserver and no client is asked to look into it. */
export const attachedFileType = 'text/plain; charset=utf-8';

/** `<task>-<repository>.patch` or `<task>-plan.md`: a plain name in any file system, that starts with no dot and has no other ending. */
export const AttachedFileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,31}-(?:plan\.md|[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\.patch)$/)
  .refine((name) => !name.includes('..'));
export type AttachedFileName = z.infer<typeof AttachedFileName>;

export function patchFileName(task: TaskId, repository: WorkspaceName): AttachedFileName {
  return AttachedFileName.parse(`${task}-${repository}.patch`);
}

export function planFileName(task: TaskId): AttachedFileName {
  return AttachedFileName.parse(`${task}-plan.md`);
}
