import { ProfileName, type Sandbox } from '@countersign/contracts/launcher-api.ts';
import { SlotId } from '@countersign/contracts/names.ts';
import { z } from 'zod';
import { containerName, labels } from './policy.ts';

const Labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

/** The engine's `inspect` answer. The parts that `verify.ts` compares as a whole keep every key. */
export const Inspection = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  AppArmorProfile: z.string().default(''),
  State: z.object({
    Status: z.string(),
    ExitCode: z.int(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
  }),
  Config: z.looseObject({ Image: z.string(), Labels }),
  HostConfig: z.looseObject({ Runtime: z.string() }),
  NetworkSettings: z.looseObject({ Networks: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  Mounts: z.array(z.record(z.string(), z.unknown())),
});
export type Inspection = z.infer<typeof Inspection>;

/** One line of the engine's list. */
export const ListedContainer = z.object({ Id: z.string(), Names: z.array(z.string()), Labels });
export type ListedContainer = z.infer<typeof ListedContainer>;

/** Whose container it is; null for one that is not a sandbox of this project by its labels and its name. */
export function ownerOf(project: string, listed: ListedContainer): { slot: SlotId; epoch: string } | null {
  const slot = SlotId.safeParse(listed.Labels[labels.sandbox]);
  if (!slot.success || listed.Labels[labels.project] !== project) return null;
  if (!listed.Names.includes(`/${containerName(project, slot.data)}`)) return null;
  return { slot: slot.data, epoch: listed.Labels[labels.epoch] ?? '' };
}

/** What the API says of a sandbox; null when its labels are not as this launcher writes them. */
export function describeSandbox(inspection: Inspection): Sandbox | null {
  const id = SlotId.safeParse(inspection.Config.Labels[labels.sandbox]);
  const profile = ProfileName.safeParse(inspection.Config.Labels[labels.profile]);
  if (!id.success || !profile.success) return null;
  const state = stateOf(inspection.State.Status);
  return {
    id: id.data,
    profile: profile.data,
    state,
    // As it was asked for, which is the id that the profile's answer has.
    image: inspection.Config.Image,
    runtime: inspection.HostConfig.Runtime,
    exit_code: state === 'ended' ? inspection.State.ExitCode : null,
    out_of_memory: inspection.State.OOMKilled,
    started_at: state === 'created' ? inspection.Created : inspection.State.StartedAt,
  };
}

function stateOf(status: string): Sandbox['state'] {
  if (status === 'created') return 'created';
  // A paused or restarting container still has its processes; the launcher makes neither, but reports them truly.
  return ['running', 'paused', 'restarting'].includes(status) ? 'running' : 'ended';
}
