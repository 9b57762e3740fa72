import type { Result } from '@countersign/contracts/task-record.ts';

/** What was changed in one repository, on one line. */
export function changeOf({ name, files, insertions, deletions }: Result['repositories'][number]): string {
  return `${name}: ${files} ${files === 1 ? 'file' : 'files'}, +${insertions} -${deletions}`;
}
