import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { Fact } from '@countersign/kit/approval-facts.ts';

/** One line for each fact, the values inert. */
export function formatFacts(facts: readonly Fact[]): string[] {
  return facts.map(([name, value]) => `${name.padEnd(11)} ${inertLine(value)}`);
}
