import {
  type ApprovalView,
  ApprovalViewError,
  type Pending,
  readApprovalView,
} from '@countersign/kit/approval-view.ts';
import { CliError } from './failure.ts';

/** What an approval would bind, or what to do when it cannot be shown. @throws CliError */
export async function readShownApproval(volumes: string, record: Pending): Promise<ApprovalView> {
  try {
    return await readApprovalView(volumes, record);
  } catch (cause) {
    if (!(cause instanceof ApprovalViewError)) throw cause;
    const advice = cause.code === 'changed' ? ['Reject the task and drop its file again.'] : [];
    throw new CliError('refused', [`DO NOT APPROVE: ${cause.message}`, ...advice].join('\n'), { cause });
  }
}
