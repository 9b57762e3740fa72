import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { DiffViewError } from '@countersign/kit/diff-view.ts';
import { type ReviewView, readReviewView } from '@countersign/kit/review-view.ts';
import { CliError } from './failure.ts';

/** What a merge would bring, or what to do when it cannot be shown. @throws CliError */
export async function readShownDiff(volumes: string, record: TaskRecord, result: Result): Promise<ReviewView> {
  try {
    return await readReviewView(volumes, record, result);
  } catch (error) {
    throw asAdvice(error);
  }
}

/** What a person is told of a saved diff that is not what its digest names; any other error is itself. */
export function asAdvice(error: unknown): unknown {
  if (!(error instanceof DiffViewError)) return error;
  const advice = error.code === 'changed' ? ['Reject the task and drop its file again.'] : [];
  return new CliError('refused', [`DO NOT MERGE: ${error.message}`, ...advice].join('\n'), { cause: error });
}
