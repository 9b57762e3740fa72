import { z } from 'zod';
import { ProfileName } from '../launcher-api.ts';

const SandboxProfile = z.strictObject({
  image: z.string().min(1),
  /** `auto` takes gVisor where the engine has it, and says which it took; a named one is refused when it is missing. */
  runtime: z.enum(['auto', 'runc', 'runsc']),
  memory_mb: z.int().min(64),
  cpus: z.number().min(0.1).max(256),
  pids: z.int().min(16).max(32_768),
  /** The checkout's tmpfs; it counts as memory. */
  workspace_mb: z.int().min(16),
  tmp_mb: z.int().min(16),
  /** How many sandboxes of it wait for a task, made beforehand. Left out: 2 of the profile `default`, none of any other. */
  warm: z.int().min(0).max(16).optional(),
  /** Every graphics processor of the host; none where this is left out, which no task and no image can change. */
  gpus: z.literal('all').optional(),
});
export type SandboxProfile = z.infer<typeof SandboxProfile>;

/** `configs/sandbox.yaml`: the profiles that the launcher knows. */
export const SandboxProfiles = z.strictObject({
  version: z.literal(1),
  profiles: z.record(ProfileName, SandboxProfile),
});
export type SandboxProfiles = z.infer<typeof SandboxProfiles>;
