import { z } from 'zod';
import { frameLimits } from '../limits.ts';
import { BranchName, WorkspaceName } from '../names.ts';

/**
 * `.project/workspace.yaml` of a workspace that holds several repositories: each is a folder directly in the workspace. A
 * workspace that is one repository itself has no such file.
 */
export const WorkspaceLayout = z.strictObject({
  version: z.literal(1),
  repositories: z
    .array(z.strictObject({ name: WorkspaceName, base_branch: BranchName.optional() }))
    .min(1)
    .max(frameLimits.repositories)
    .refine(
      (repositories) => new Set(repositories.map(({ name }) => name.toLowerCase())).size === repositories.length,
      'a repository is listed twice',
    ),
});
export type WorkspaceLayout = z.infer<typeof WorkspaceLayout>;
