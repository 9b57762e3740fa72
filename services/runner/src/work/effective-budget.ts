import { type Budget, budgetOf, noBudget, tightest } from '@countersign/contracts/budget.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { RunnerConfig } from '../config.ts';

/** What an attempt may use, and what its stage would rather have it use, which stops nothing. */
export type EffectiveBudget = { readonly enforced: Budget; readonly advised: Budget };

/**
 * Of task file, tool and stage the least of each item. A stage's budget is enforced where its governance is hard; where it is
 * advisory, it is advice.
 */
export function effectiveBudget(
  { tools: { tools }, stages: { stages } }: Pick<RunnerConfig, 'tools' | 'stages'>,
  record: Pick<TaskRecord, 'tool' | 'stage' | 'budget'>,
): EffectiveBudget {
  const tool = tools[record.tool];
  const stage = stages[record.stage];
  const ofTool = tool === undefined ? noBudget : budgetOf({ ...tool.budget, tokens: tool.token_budget });
  const ofStage = stage === undefined ? noBudget : budgetOf(stage.budget);
  const own = tightest(record.budget, ofTool);
  return stage?.governance === 'hard'
    ? { enforced: tightest(own, ofStage), advised: noBudget }
    : { enforced: own, advised: ofStage };
}
