import { describeModel } from '@countersign/contracts/model-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { ApprovalView } from './approval-view.ts';

export type Fact = readonly [name: string, value: string];

/**
 * What a person is told before he decides, in this order, wherever he is told it. Everything comes from the bytes that the digest
 * covers, but for the title. The values hold names of somebody else's: whoever shows them makes them inert.
 */
export function approvalFacts(record: Pick<TaskRecord, 'title'>, { bundle }: ApprovalView): Fact[] {
  return [
    ['task', bundle.task],
    ['file', bundle.file],
    ['title', record.title],
    ['run', bundle.run],
    ['stage', bundle.stage],
    ['workspace', bundle.workspace],
    ...bundle.repositories.map(
      ({ name, branch, base_head }): Fact => ['repository', `${name}, branch ${branch}, from commit ${base_head}`],
    ),
    ['tool', `${bundle.tool.name} (definition ${bundle.tool.definition.slice(0, 8)})`],
    ['model', describeModel(bundle.model)],
    ['sandbox', `profile ${bundle.sandbox.profile} (definition ${bundle.sandbox.definition.slice(0, 8)})`],
    ['image', bundle.sandbox.image],
    ['time limit', `${bundle.timeout_sec} s`],
    ['task file', `sha256 ${bundle.task_file}`],
    ['objective', bundle.spec === null ? 'in the task file' : `the workspace's plan, sha256 ${bundle.spec}`],
    ['policy', `configs/stages.yaml, sha256 ${bundle.policy}`],
    ['asked', bundle.requested_at],
    ['expires', bundle.expires_at],
  ];
}
