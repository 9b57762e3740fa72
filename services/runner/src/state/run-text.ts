import type { Run } from '@countersign/contracts/run.ts';
import { stringify } from 'yaml';

/** A `run.yaml`, one line for each task; written that often that the lists are not left to the YAML library. */
export function runText({ tasks, ...run }: Run): string {
  const lines = tasks.map((task) => `  - ${JSON.stringify(task)}`);
  return `${stringify(run)}${lines.length === 0 ? 'tasks: []' : `tasks:\n${lines.join('\n')}`}\n`;
}
