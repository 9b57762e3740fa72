import { join } from 'node:path';
import { frameLimits, taskFileLimits } from '@countersign/contracts/limits.ts';
import { WorkspaceName } from '@countersign/contracts/names.ts';
import { z } from 'zod';

/** `<task folder>/task.json`: what a tool is told, beside the texts `<name>.md`. */
export const TaskDescription = z.strictObject({
  task: z.string(),
  mode: z.enum(['run', 'plan']),
  model: z.string(),
  step_limit: z.int().positive(),
  token_budget: z.int().positive(),
  repositories: z.array(WorkspaceName).max(frameLimits.repositories),
});
export type TaskDescription = z.infer<typeof TaskDescription>;

/** Where a tool leaves what is to come out, and how much of each file is taken. */
export function outputFiles(taskFolder: string) {
  const out = join(taskFolder, 'out');
  return {
    folder: out,
    plan: { path: join(out, 'plan.md'), bytes: taskFileLimits.planBytes },
    summary: { path: join(out, 'agent-summary.md'), bytes: frameLimits.summaryBytes },
    // The contracts' AgentHandoff. The built-in tool writes it from the model's last call; any other tool may write it itself.
    handoff: { path: join(out, 'handoff.yaml'), bytes: frameLimits.summaryBytes },
    usage: { path: join(out, 'usage.json'), bytes: 1024 },
    error: { path: join(out, 'error.json'), bytes: 16 * 1024 },
    artifacts: join(out, 'artifacts'),
  } as const;
}

/** The checkouts of a task: one at the workspace itself, several beside one another in it. */
export function checkoutFolders(workspace: string, repositories: readonly string[]): string[] {
  if (repositories.length === 1) return [workspace];
  return repositories.map((name) => join(workspace, name));
}
