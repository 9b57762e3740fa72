import { z } from 'zod';
import { BranchPattern } from '../branch-pattern.ts';
import { BudgetSetting } from '../budget.ts';
import { Channel } from '../command.ts';
import { ProfileName } from '../launcher-api.ts';
import { MatrixUserId } from '../matrix-names.ts';

/** The stage for which holding a phone or an open page must not be enough. */
export const secondFactorStage = 'prod';

/** How far a channel's key goes there: the machine's own shell by itself, the page and a room with a one-time code. */
export const secondFactorOf = { shell: 'alone', dashboard: 'code', matrix: 'code' } as const satisfies Record<
  Channel,
  'alone' | 'code'
>;

const Decider = z
  .strictObject({
    channel: Channel,
    /** Absent: whoever holds that channel's key. Of `matrix` the full Matrix ids, and never absent: a room has strangers. */
    persons: z.array(z.string()).min(1).optional(),
  })
  .superRefine(({ channel, persons }, context) => {
    if (channel !== 'matrix') return;
    if (persons === undefined)
      context.addIssue({ code: 'custom', message: 'channel matrix needs persons, as @name:server' });
    for (const [index, person] of (persons ?? []).entries())
      if (!MatrixUserId.safeParse(person).success)
        context.addIssue({
          code: 'custom',
          path: ['persons', index],
          message: 'not a Matrix user, which is @name:server',
        });
  });

export const Stage = z.strictObject({
  /** `none` runs by itself; `approval` waits for a human. A task can ask for more, never for less. */
  gate: z.enum(['none', 'approval']),
  sandbox_profile: ProfileName,
  decide: z.array(Decider).min(1),
  approval_hours: z
    .int()
    .min(1)
    .max(24 * 90),
  /** Branches that work of this stage may be merged into. */
  merge_into: z.array(BranchPattern).max(100).default(['*']),
  /** What follows when one of the three below is reached: a word in the journal, or a stop. */
  governance: z.enum(['advisory', 'hard']).default('advisory'),
  /** Where a person is to look: before the work, before its result merges by itself. */
  checkpoints: z
    .array(z.enum(['start', 'merge']))
    .max(2)
    .default([]),
  /** Tasks of this stage at work at once. */
  max_tasks: z.int().min(1).max(999).optional(),
  budget: BudgetSetting.default({}),
});

export type Stage = z.infer<typeof Stage>;

/** `configs/stages.yaml`: what each stage demands and who may decide. */
export const Stages = z
  .strictObject({
    version: z.literal(1),
    /** A person merges into these, never `on_success: merge`. */
    protected_branches: z.array(BranchPattern).max(100).default(['main', 'master', 'release/*']),
    stages: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), Stage),
  })
  .superRefine(({ stages }, context) => {
    // Words that drop a task or try it once more carry no code: what they lead to has to wait for one.
    const prod = stages[secondFactorStage];
    if (prod?.gate === 'none' && prod.decide.some(({ channel }) => channel === 'matrix'))
      context.addIssue({
        code: 'custom',
        path: ['stages', secondFactorStage, 'gate'],
        message: `where a room decides on ${secondFactorStage}, its gate is approval`,
      });
  });
export type Stages = z.infer<typeof Stages>;
