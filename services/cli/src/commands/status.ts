import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import type { StatusRow } from '@countersign/contracts/task-record.ts';
import { parseCommandLine } from '../arguments.ts';
import { checkedWords } from '../checked-words.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { serviceTroubles } from '../service-troubles.ts';
import { statusRows } from '../status-rows.ts';
import { formatTable } from '../table.ts';
import { readTaskRecords } from '../task-files.ts';
import { type Context, print } from '../terminal.ts';

const columns = [
  { heading: 'TASK', width: 32 },
  { heading: 'STATE', width: 11 },
  { heading: 'CHECKED', width: 40 },
  { heading: 'STAGE', width: 16 },
  { heading: 'WORKSPACE', width: 24 },
  { heading: 'FILE', width: 36 },
  { heading: 'SINCE', width: 20 },
  { heading: 'REASON', width: 120 },
];

/** `status`: every task and every file that is none yet or was refused; and every service that is not well. */
export async function status(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, {}, { least: 0, most: 0 });
  const { rows, checked } = await readRows(context);
  const troubles = await serviceTroubles(context.config.volumes);
  if (values.json === true) {
    print(context.stdout, inertJson(rows));
    if (troubles.length > 0) print(context.stderr, ...troubles);
    return exitCodes.ok;
  }
  const table =
    rows.length === 0
      ? ['no tasks yet']
      : formatTable(
          columns,
          rows.map((row) => cellsOf(row, checked)),
        );
  print(context.stdout, ...table, ...(troubles.length === 0 ? [] : ['', ...troubles]));
  return exitCodes.ok;
}

/** The rows, and what is known of each task's result; what cannot be read is said on standard error and leaves the others alone. */
export async function readRows({ config, stderr }: Context): Promise<{
  readonly rows: StatusRow[];
  readonly checked: ReadonlyMap<string, string>;
}> {
  const { records, unreadable } = await readTaskRecords(config.volumes);
  for (const { path, reason } of unreadable)
    print(stderr, `${path} cannot be read: ${inertLine(reason).slice(0, 300)}`);
  const checked = new Map(records.map((record) => [record.id, checkedWords(record)]));
  return { rows: await statusRows(config.volumes, records), checked };
}

function cellsOf(row: StatusRow, checked: ReadonlyMap<string, string>): string[] {
  const { task, state, stage, workspace, file, since, reason } = row;
  const known = task === null ? undefined : checked.get(task);
  return [
    task ?? '-',
    state,
    known ?? '-',
    stage ?? '-',
    workspace ?? '-',
    file,
    since.replace(/\.\d+Z$/, 'Z'),
    reason,
  ];
}
