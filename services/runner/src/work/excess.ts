import type { Budget, BudgetItem } from '@countersign/contracts/budget.ts';

/** An item of a budget of which more was used, or asked for, than there is. */
export type Excess = {
  readonly item: 'tokens' | 'requests' | 'output' | 'disk';
  readonly limit: number;
  readonly used: number;
};

const itemOf = { tokens: 'tokens', requests: 'requests', output_bytes: 'output', disk_bytes: 'disk' } as const;
const units = {
  tokens: 'tokens',
  requests: 'requests',
  output: 'bytes of output',
  disk: 'bytes in /workspace',
} as const;

export function budgetClass({ item }: Excess) {
  return `budget_${item}` as const;
}

/** For people; of requests the last one was not let through, so as many were used as there are. */
export function describeExcess({ item, limit, used }: Excess): string {
  return `its budget of ${limit} ${units[item]} is used up (${used})`;
}

/** The first item that is passed, in the budget's own order. */
export function overAdvice(advised: Budget, used: Partial<Budget>): Excess | null {
  for (const key of Object.keys(itemOf) as BudgetItem[]) {
    const limit = advised[key];
    const amount = used[key] ?? 0;
    if (limit !== null && amount > limit) return { item: itemOf[key], limit, used: amount };
  }
  return null;
}
