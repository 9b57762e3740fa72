import type { TaskFrame } from '@countersign/contracts/frames.ts';
import { endingLimits, resultLimits } from '@countersign/contracts/limits.ts';

/** What every assignment says alike. */
export const commonFrame = {
  interrupt_ms: endingLimits.interruptMs,
  terminate_ms: endingLimits.terminateMs,
  output_bytes: resultLimits.outputBytes,
} as const satisfies Partial<TaskFrame>;

type Own = Pick<TaskFrame, 'task' | 'mode' | 'repositories'> & Partial<Pick<TaskFrame, 'conditions' | 'output_bytes'>>;

/** An assignment that starts no tool and needs no model. Pure. */
export function frameWithoutModel(own: Own): TaskFrame {
  // The two limits are of a model, which there is none of.
  return { ...commonFrame, command: [], model: '', step_limit: 1, token_budget: 1, texts: 0, ...own };
}
