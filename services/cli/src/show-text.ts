import { inertLines } from '@countersign/contracts/inert-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { approvalFacts } from '@countersign/kit/approval-facts.ts';
import type { ApprovalView } from '@countersign/kit/approval-view.ts';
import { formatFacts } from './facts.ts';

/**
 * What a person reads before deciding: facts that we state, then the model's words, each line marked so that none of them can
 * pass for a fact, then the digest that the decision names. Everything comes from the bytes that the digest covers, but for
 * the title.
 */
export function approvalLines(record: TaskRecord, view: ApprovalView): string[] {
  const { digest, bundle, plan } = view;
  return [
    ...formatFacts(approvalFacts(record, view)),
    '',
    'The plan. These are the words of the model, not of Countersign:',
    ...inertLines(plan).map((line) => `| ${line}`),
    '',
    `digest ${digest}`,
    `short  ${digest.slice(0, 8)}`,
    '',
    `Approve: countersign approve ${bundle.task} --digest ${digest.slice(0, 8)}`,
    `Reject:  countersign reject ${bundle.task} <reason>`,
  ];
}
