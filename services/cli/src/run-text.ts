import type { Run } from '@countersign/contracts/run.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { formatFacts } from './facts.ts';
import { formatTable } from './table.ts';

const runColumns = [
  { heading: 'RUN', width: 24 },
  { heading: 'STATE', width: 10 },
  { heading: 'WORKSPACE', width: 24 },
  { heading: 'PHASE', width: 8 },
  { heading: 'ROLE', width: 9 },
  { heading: 'BEGUN', width: 20 },
  { heading: 'TASKS', width: 100 },
];
const taskColumns = [
  { heading: 'TASK', width: 32 },
  { heading: 'STATE', width: 11 },
  { heading: 'ATTEMPTS', width: 8 },
  { heading: 'FILE', width: 36 },
  { heading: 'REASON', width: 120 },
];

/** One line for each run. */
export function runTable(runs: readonly Run[]): string[] {
  return formatTable(
    runColumns,
    runs.map((run) => [
      run.id,
      run.status,
      run.workspace,
      run.phase,
      run.agent_role,
      run.created_at.replace(/\.\d+Z$/, 'Z'),
      run.summary,
    ]),
  );
}

/** Where a run stands, and its tasks, the newest first. @param records of all tasks */
export function runLines(run: Run, records: readonly TaskRecord[]): string[] {
  const known = new Map(records.map((record) => [record.id, record]));
  const facts = formatFacts([
    ['run', run.id],
    ['state', run.status],
    ['workspace', run.workspace],
    ['begun', run.created_at],
    ['phase', run.phase],
    ['role', run.agent_role],
    ['tasks', run.summary],
    ['kept in', `runs/${run.id}`],
  ]);
  if (run.tasks.length === 0) return facts;
  const rows = run.tasks.map(({ task_id, status, attempts }) => {
    const record = known.get(task_id);
    return [task_id, status, String(attempts), record?.file ?? '', record?.state.reason ?? ''];
  });
  const count = Object.values(run.counts).reduce((sum, one) => sum + one, 0);
  const rest = count - run.tasks.length;
  return [...facts, '', ...formatTable(taskColumns, rows), ...(rest > 0 ? [`and ${rest} older ones`] : [])];
}
