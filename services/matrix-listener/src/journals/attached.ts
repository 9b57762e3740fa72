import { attachedFileLimits, patchFileName, planFileName } from '@countersign/contracts/attached-file.ts';
import { taskFolder } from '@countersign/contracts/task-record.ts';
import type { ApprovalView, Pending } from '@countersign/kit/approval-view.ts';
import { attemptFolder, type Review, type ReviewView } from '@countersign/kit/review-view.ts';
import { listenerLimits } from '../limits.ts';
import type { QueuedFile } from '../state/listener-state.ts';

type File = Omit<QueuedFile, 'of'>;

/** The patches of a result that hold something and are not too large: the first few. Pure. */
export function patchesOf(record: Review, { index }: Pick<ReviewView, 'index'>): File[] {
  const folder = attemptFolder(record, record.state.result.attempt);
  return index.repositories
    .filter(({ patch }) => patch.bytes > 0 && patch.bytes <= attachedFileLimits.bytes)
    .slice(0, listenerLimits.files)
    .map(({ name, patch }) => ({
      task: record.id,
      name: patchFileName(record.id, name),
      path: `${folder}/diffs/${patch.file}`,
      sha256: patch.sha256,
    }));
}

/** The plan that an approval would bind. Pure. */
export function planOf(record: Pending, { bundle }: Pick<ApprovalView, 'bundle'>): File {
  return {
    task: record.id,
    name: planFileName(record.id),
    path: `${taskFolder(record)}/attempts/${record.attempts}/plan.md`,
    sha256: bundle.plan,
  };
}
