import { z } from 'zod';

const mib = 1024 * 1024;
const mostMegabytes = 1_048_576;
const count = z.int().positive().max(1_000_000_000_000);
const bytes = z
  .int()
  .positive()
  .max(mostMegabytes * mib);

/** What one attempt may use of each; null where only the product's own limits count. */
export const Budget = z.strictObject({
  /** Of the model, read and written together, as the gateway meters them. */
  tokens: count.nullable(),
  /** To the model. */
  requests: count.nullable(),
  /** Standard output and error of the tool together. */
  output_bytes: bytes.nullable(),
  /** Of the sandbox's `/workspace`. */
  disk_bytes: bytes.nullable(),
});
export type Budget = z.infer<typeof Budget>;
export type BudgetItem = keyof Budget;

export const noBudget: Budget = { tokens: null, requests: null, output_bytes: null, disk_bytes: null };

/** The same as people write it, in a task file or in `configs/stages.yaml`. */
export const BudgetSetting = z.strictObject({
  tokens: count.optional(),
  requests: count.optional(),
  output_mb: z.int().positive().max(mostMegabytes).optional(),
  disk_mb: z.int().positive().max(mostMegabytes).optional(),
});
export type BudgetSetting = z.infer<typeof BudgetSetting>;

export function budgetOf({ tokens, requests, output_mb, disk_mb }: BudgetSetting): Budget {
  return {
    tokens: tokens ?? null,
    requests: requests ?? null,
    output_bytes: output_mb === undefined ? null : output_mb * mib,
    disk_bytes: disk_mb === undefined ? null : disk_mb * mib,
  };
}

/** Of several budgets the least of each item. */
export function tightest(...budgets: readonly Budget[]): Budget {
  const least = (item: BudgetItem): number | null => {
    const set = budgets.flatMap((budget) => budget[item] ?? []);
    return set.length === 0 ? null : Math.min(...set);
  };
  return {
    tokens: least('tokens'),
    requests: least('requests'),
    output_bytes: least('output_bytes'),
    disk_bytes: least('disk_bytes'),
  };
}
