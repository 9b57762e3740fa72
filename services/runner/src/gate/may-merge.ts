import { isNamed } from '@countersign/contracts/branch-pattern.ts';
import type { Stages } from '@countersign/contracts/config/stages.ts';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { MergeApproval, Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { standing } from './governance.ts';

/**
 * Why the rules do not let this result be merged, whatever its repositories look like: the digest is another one, its conditions
 * were never checked and nobody said that this is all right, or its stage may not merge into the branch. Pure.
 */
export function refuseByPolicy(
  stages: Stages,
  record: Pick<TaskRecord, 'id' | 'stage'>,
  result: Result,
  asked: Pick<MergeApproval, 'digest' | 'unverified'>,
): readonly MergeRefusal[] {
  const first = result.repositories[0]?.name ?? 'unknown';
  const short = (digest: string) => digest.slice(0, 8);
  if (asked.digest !== result.digest) {
    return [
      {
        code: 'stale-digest',
        repository: first,
        message: `the diff of ${record.id} is now ${short(result.digest)}, not ${short(asked.digest)}; look at it again: countersign show ${record.id}`,
        names: [],
      },
    ];
  }
  const refusals: MergeRefusal[] = [];
  if (result.verification.status !== 'verified' && !asked.unverified) {
    refusals.push({
      code: 'unverified',
      repository: first,
      message: `no postcondition of ${record.id} was checked; give the task postconditions, or merge it as it is: countersign merge ${record.id} --unverified; in the room: merge ${record.id} unverified`,
      names: [],
    });
  }
  const allowed = stages.stages[record.stage]?.merge_into ?? [];
  for (const { name, branch } of result.repositories) {
    if (isNamed(branch, allowed)) continue;
    refusals.push({
      code: 'forbidden-branch',
      repository: name,
      message: `stage ${record.stage} may not merge into ${branch}; configs/stages.yaml lists where it may (merge_into: ${allowed.join(', ') || 'nowhere'})`,
      names: [branch],
    });
  }
  return refusals;
}

/**
 * The approval that a task file with `on_success: merge` stands for: only for work whose postconditions hold, and only into
 * branches that are not protected, and only where nothing in the diff deserves eyes. Null otherwise: a person decides. Pure.
 */
export function mayMergeByItself(
  stages: Stages,
  record: TaskRecord,
  { header }: TaskFile,
  result: Result,
  now: string,
): MergeApproval | null {
  if (header.on_success !== 'merge' || standing(stages.stages[record.stage], 'merge') === 'hard') return null;
  const approval: MergeApproval = {
    command: null,
    digest: result.digest,
    channel: 'task-file',
    user: 'task file',
    evidence: `on_success: merge; task file ${record.task_file}`,
    decided_at: now,
    unverified: false,
  };
  const needsEyes = result.repositories.some(({ flags }) => flags.length > 0);
  const refusals = [
    ...refuseByPolicy(stages, record, result, approval),
    ...refuseProtected(stages, record, result, approval),
  ];
  return needsEyes || refusals.length > 0 ? null : approval;
}

/** Refuses what a task file let go into a branch that has become protected since. Pure. */
export function refuseProtected(
  stages: Stages,
  { id }: Pick<TaskRecord, 'id'>,
  result: Result,
  { channel }: Pick<MergeApproval, 'channel'>,
): readonly MergeRefusal[] {
  if (channel !== 'task-file') return [];
  return result.repositories
    .filter(({ branch }) => isNamed(branch, stages.protected_branches))
    .map(({ name, branch }) => ({
      code: 'forbidden-branch',
      repository: name,
      message: `${branch} is protected, so that a person has to decide: countersign merge ${id}`,
      names: [branch],
    }));
}
