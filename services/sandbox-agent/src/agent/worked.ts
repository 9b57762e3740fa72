import type { Check } from '@countersign/contracts/condition.ts';
import type { Carried } from './carry-commits.ts';
import type { Outcome } from './outcome.ts';

/**
 * How the work of an attempt ended, and so what there is to collect: after a tool its plan, or its commits and texts; after
 * conditions nothing but how they ended; after a rebase the carried commits.
 */
export type Worked =
  | { readonly done: 'nothing'; readonly outcome: Outcome; readonly exitCode: null }
  | { readonly done: 'tool'; readonly outcome: Outcome; readonly exitCode: number | null }
  | {
      readonly done: 'conditions';
      readonly outcome: Outcome;
      readonly exitCode: number | null;
      readonly checks: readonly Check[];
    }
  | {
      readonly done: 'rebase';
      readonly outcome: Outcome;
      readonly exitCode: null;
      /** One for each repository; null for one that was to be left alone. */
      readonly carried: readonly (Carried | null)[];
    };
