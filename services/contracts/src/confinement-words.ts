import type { ConfinementProof } from './confinement.ts';

/** What a proof says, in one sentence without its end. Pure. */
export function confinementWords({ profile, toolchain, status, failed, reason, runtime }: ConfinementProof): string {
  const which = `sandboxes of profile ${profile}${toolchain === 'workspace' ? ', in a workspace’s own image,' : ''}`;
  if (status === 'confined') return `${which} are confined, in ${runtime}`;
  if (status === 'leaks') return `${which} are not confined (${failed.join(', ')}), and no task runs in them`;
  return `${which} could not be tried for leaks, and no task runs in them: ${reason}`;
}
