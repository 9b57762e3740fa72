import { z } from 'zod';
import { BudgetSetting } from '../budget.ts';

const Tool = z.strictObject({
  mode: z.enum(['batch', 'interactive']),
  /** Started without a shell, in `/workspace` of a sandbox. */
  cmd: z.array(z.string().min(1)).min(1),
  timeout_sec: z.int().min(1),
  step_limit: z.int().min(1).max(10_000),
  token_budget: z.int().min(1),
  /** What else an attempt with this tool may use. */
  budget: BudgetSetting.omit({ tokens: true }).default({}),
});

/** `configs/tools.yaml`: the tools that a task may name. */
export const Tools = z.strictObject({
  version: z.literal(1),
  tools: z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/), Tool),
});
export type Tools = z.infer<typeof Tools>;
