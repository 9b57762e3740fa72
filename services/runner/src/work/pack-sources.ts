import type { TaskFrame } from '@countersign/contracts/frames.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import type { Context } from '../context.ts';
import { type BasePack, basePack } from '../git/base-pack.ts';
import { measureCheckout, type Repository } from '../git/repository.ts';
import type { Unusable } from './grounds.ts';

/** A checkout may fill this part of its tmpfs; the rest is for git's objects and for the work. */
const checkoutShare = 0.5;

export type Packed = {
  readonly ok: true;
  readonly packs: readonly BasePack[];
  readonly repositories: TaskFrame['repositories'];
};

/** One pack for each commit, of its tree and no history; refused with the figures where they do not fit into the sandbox. */
export async function packSources(
  context: Context,
  commits: readonly { readonly repository: Repository; readonly head: ObjectId }[],
  profile: Profile,
  diskBudgetBytes: number | null = null,
): Promise<Packed | Unusable> {
  const refusal = await refuseTooLarge(commits, profile, diskBudgetBytes);
  if (refusal !== null) return refusal;
  const packs: BasePack[] = [];
  for (const { repository, head } of commits) packs.push(await basePack(context.layout.packCache, repository, head));
  return { ok: true, packs, repositories: announce(commits, packs) };
}

/**
 * Null when checkouts of these commits fit into a sandbox of the profile.
 * @param diskBudgetBytes of its `/workspace`, where the task may use less than there is
 */
export async function refuseTooLarge(
  commits: readonly { readonly repository: Repository; readonly head: ObjectId }[],
  profile: Profile,
  diskBudgetBytes: number | null = null,
): Promise<Unusable | null> {
  const isBudget = diskBudgetBytes !== null && diskBudgetBytes < profile.workspace_bytes;
  const room = (isBudget ? diskBudgetBytes : profile.workspace_bytes) * checkoutShare;
  let bytes = 0;
  let files = 0;
  for (const { repository, head } of commits) {
    const checkout = await measureCheckout(repository, head);
    bytes += checkout.bytes;
    files += checkout.files;
  }
  if (bytes <= room) return null;
  return {
    ok: false,
    errorClass: 'workspace_too_large',
    reason: `a checkout has ${files} files of ${bytes} bytes, and ${isBudget ? 'its budget' : `sandbox profile ${profile.name}`} has room for ${Math.floor(room)}; raise ${isBudget ? 'disk_mb of the budget' : 'workspace_mb in configs/sandbox.yaml'}`,
  };
}

/** What the task frame says of packs. */
function announce(
  commits: readonly { readonly repository: Repository; readonly head: ObjectId }[],
  packs: readonly BasePack[],
): TaskFrame['repositories'] {
  return commits.map(({ repository, head }, index) => {
    const { bytes = 0, sha256 = '' } = packs[index] ?? {};
    return { name: repository.name, base_head: head, pack: { bytes, sha256 } };
  });
}
