import { z } from 'zod';
import { BudgetSetting } from '../budget.ts';
import { frameLimits, taskFileLimits } from '../limits.ts';
import { BranchName, MemoryTaskId, RunId, TaskId, WorkspaceName } from '../names.ts';

const maximumTimeoutSec = 24 * 60 * 60;
const conditions = z.array(z.string().min(1).max(taskFileLimits.conditionCharacters)).max(taskFileLimits.conditions);

/**
 * The keys of a task file. A stage is any name here; whether it exists is checked against `configs/stages.yaml`.
 * Nothing in it can lower what its stage demands.
 */
export const TaskHeader = z.strictObject({
  workspace: WorkspaceName,
  action: z.enum(['run', 'plan']).default('run'),
  stage: z.string().max(64).default('dev'),
  approval_required: z.boolean('true or false, without quotes').default(false),
  id: TaskId.optional(),
  task: MemoryTaskId.optional(),
  title: z.string().max(200).optional(),
  tool: z.string().max(64).default('agent'),
  base_branch: BranchName.optional(),
  repos: z
    .array(WorkspaceName)
    .min(1)
    .max(frameLimits.repositories)
    .refine((names) => new Set(names.map((name) => name.toLowerCase())).size === names.length, 'a name is there twice')
    .optional(),
  run: RunId.optional(),
  depends_on: z.union([TaskId, z.array(TaskId).max(50)], 'a task id, or a list of at most 50 of them').optional(),
  priority: z
    .union(
      [z.enum(['low', 'normal', 'high']), z.int().min(-100).max(100)],
      'low, normal, high, or a whole number from -100 to 100',
    )
    .default('normal'),
  timeout_sec: z.int().min(1).max(maximumTimeoutSec).optional(),
  budget: BudgetSetting.optional(),
  safe_mode: z.boolean('true or false, without quotes').default(true),
  preconditions: conditions.optional(),
  postconditions: conditions.optional(),
  on_success: z.enum(['review', 'merge']).default('review'),
});
export type TaskHeader = z.infer<typeof TaskHeader>;

/** Every key that a task file may have, in the order in which people are told of them. */
export const taskKeys = Object.keys(TaskHeader.shape);
