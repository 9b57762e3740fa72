import { z } from 'zod';
import { Channel } from '../command.ts';
import { ProfileName } from '../launcher-api.ts';

const Decider = z.strictObject({
  channel: Channel,
  /** Absent: whoever holds that channel's key. */
  persons: z.array(z.string()).min(1).optional(),
});

const Stage = z.strictObject({
  /** `none` runs by itself; `approval` waits for a human. A task can ask for more, never for less. */
  gate: z.enum(['none', 'approval']),
  sandbox_profile: ProfileName,
  decide: z.array(Decider).min(1),
  approval_hours: z
    .int()
    .min(1)
    .max(24 * 90),
});

/** `configs/stages.yaml`: what each stage demands and who may decide. */
export const Stages = z.strictObject({
  version: z.literal(1),
  stages: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), Stage),
});
export type Stages = z.infer<typeof Stages>;
