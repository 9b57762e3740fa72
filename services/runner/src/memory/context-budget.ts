/** What a packet has at least, so that the facts of a task fit, and at most, however large a model's context is. */
export const contextBudgetLimits = { leastBytes: 4 * 1024, mostBytes: 64 * 1024 } as const;

/** What a token stands for at least, in bytes of ordinary text. */
const bytesPerToken = 3;

/**
 * How large a context packet may be, in bytes: a quarter of the model's context, and with the fixed texts no more than a half,
 * so that the other half is left for the work. Never less than what the facts need.
 * @param fixedTextBytes of what else the model is given: prompts, objective, plan
 */
export function contextBudgetBytes(contextLengthTokens: number, fixedTextBytes: number): number {
  const contextBytes = contextLengthTokens * bytesPerToken;
  const fitting = Math.floor(Math.min(contextBytes / 4, contextBytes / 2 - fixedTextBytes));
  return Math.min(contextBudgetLimits.mostBytes, Math.max(contextBudgetLimits.leastBytes, fitting));
}
