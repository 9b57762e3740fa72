import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import type { ApprovalFacts } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { approvalFacts } from '@countersign/kit/approval-facts.ts';
import { ApprovalViewError, isPending, readApprovalView } from '@countersign/kit/approval-view.ts';
import { shownText } from '../files/shown-text.ts';

type Approval = ApprovalFacts | { readonly unreadable: string } | null;

/**
 * What an approval of a task would bind, with the facts that the shell shows; null where none is asked for. Where it is not what was
 * asked for, nothing of it is shown but why.
 */
export async function approvalOf(volumes: string, record: TaskRecord, now: Date): Promise<Approval> {
  if (!isPending(record)) return null;
  try {
    const view = await readApprovalView(volumes, record);
    const { bundle } = view;
    const isFlagged = (name: string) =>
      (name === 'stage' && bundle.stage === secondFactorStage) ||
      (name === 'expires' && now.getTime() >= Date.parse(bundle.expires_at));
    const facts = approvalFacts(record, view).map(([name, value]) => ({ name, value, flag: isFlagged(name) }));
    if (record.file !== bundle.file) facts.splice(2, 0, { name: 'now called', value: record.file, flag: true });
    return {
      digest: view.digest,
      expires_at: bundle.expires_at,
      facts,
      plan: shownText(Buffer.from(view.plan)),
      needs_code: bundle.stage === secondFactorStage,
    };
  } catch (error) {
    if (error instanceof ApprovalViewError) return { unreadable: error.message };
    throw error;
  }
}
