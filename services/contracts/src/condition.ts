import { z } from 'zod';

/** How one condition of a task ended, in the order of the task file. */
export const Check = z.strictObject({
  /** Null when it was ended by its time limit or a signal, or never started. */
  exit_code: z.int().nullable(),
  duration_ms: z.int().nonnegative(),
});
export type Check = z.infer<typeof Check>;

/** The same with the condition, as far as it is kept for people. */
export const NamedCheck = z.strictObject({ command: z.string(), ...Check.shape });
export type NamedCheck = z.infer<typeof NamedCheck>;

/**
 * What is known of a result, from exit codes alone. `commands` are the task file's postconditions and `checks` their ends, one
 * for one; `unverified` has none of either.
 */
export const Verification = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('unverified') }),
  z.strictObject({
    status: z.enum(['verified', 'failed']),
    checks: z.array(NamedCheck).min(1),
  }),
]);
export type Verification = z.infer<typeof Verification>;
