import { describeModel } from '@countersign/contracts/model-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Grounds } from './assignment.ts';
import type { Model } from './dependencies.ts';

/** The brief that an attempt starts with: facts of ours, in a form that a small model can read. */
export function contextText(record: TaskRecord, grounds: Grounds, model: Model): string {
  const { header } = grounds.file;
  return [
    '# Context',
    '',
    `- task: ${record.id} (${record.title})`,
    `- run: ${record.run}`,
    `- workspace: ${record.workspace}, checked out at /workspace`,
    `- branch: ${grounds.base.branch}`,
    `- base commit: ${grounds.base.head}`,
    `- stage: ${record.stage}`,
    `- model: ${describeModel(model)}`,
    `- time limit: ${record.timeout_sec} s`,
    header.safe_mode ? '- safe mode: do not delete files, do not run destructive commands' : '- safe mode: off',
    '- network: none; dependencies cannot be fetched',
    '',
  ].join('\n');
}
