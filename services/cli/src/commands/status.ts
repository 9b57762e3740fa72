import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import type { StatusRow } from '@countersign/contracts/task-record.ts';
import { waitedFor, waitWords } from '@countersign/contracts/wait-words.ts';
import { checkedWords } from '@countersign/kit/checked-words.ts';
import { readTaskRecords } from '@countersign/kit/task-records.ts';
import { parseCommandLine } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { confinedLines, queueLines, readQueue } from '../queue-lines.ts';
import { serviceTroubles } from '../service-troubles.ts';
import { statusRows } from '../status-rows.ts';
import { formatTable } from '../table.ts';
import { type Context, print } from '../terminal.ts';

const columns = [
  { heading: 'TASK', width: 32 },
  { heading: 'STATE', width: 11 },
  { heading: 'CHECKED', width: 40 },
  { heading: 'WAITS FOR', width: 40 },
  { heading: 'STAGE', width: 16 },
  { heading: 'WORKSPACE', width: 24 },
  { heading: 'FILE', width: 36 },
  { heading: 'SINCE', width: 20 },
  { heading: 'REASON', width: 120 },
];

/** `status`: what holds up the queue; every task and every file that is none yet or was refused; every service that is not well; and which sandboxes are confined. */
export async function status(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, {}, { least: 0, most: 0 });
  const { rows, checked } = await readRows(context);
  const troubles = await serviceTroubles(context.config.volumes);
  const { troubles: queue, confined } = await aboutQueue(context.config.volumes, rows);
  if (values.json === true) {
    print(context.stdout, inertJson(rows));
    if (queue.length + troubles.length > 0) print(context.stderr, ...queue, ...troubles);
    return exitCodes.ok;
  }
  const table =
    rows.length === 0
      ? ['no tasks yet']
      : formatTable(
          columns,
          rows.map((row) => cellsOf(row, checked)),
        );
  const top = queue.length === 0 ? [] : [...queue, ''];
  const bottom = [...troubles, ...confined];
  print(context.stdout, ...top, ...table, ...(bottom.length === 0 ? [] : ['', ...bottom]));
  return exitCodes.ok;
}

/** What holds it up, and which sandboxes are confined. What cannot be read hides nothing else, and is told in its place. */
async function aboutQueue(
  volumes: string,
  rows: readonly StatusRow[],
): Promise<{ readonly troubles: readonly string[]; readonly confined: readonly string[] }> {
  try {
    const queue = await readQueue(volumes);
    return { troubles: [...queueLines(queue), ...codeLines(queue, rows)], confined: confinedLines(queue) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { troubles: [inertLine(error.message).slice(0, 300)], confined: [] };
  }
}

/** Only where somebody is about to be asked for a code that there is none of. */
function codeLines({ code }: QueueState, rows: readonly StatusRow[]): string[] {
  const isAsked = rows.some(
    ({ stage, state }) => stage === secondFactorStage && (state === 'pending' || state === 'review'),
  );
  if (code !== 'missing' || !isAsked) return [];
  return [
    `${secondFactorStage} cannot be approved away from this machine: it has no one-time code yet (scripts/countersign enrol-code)`,
  ];
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
  const { task, state, stage, workspace, file, since, reason, wait } = row;
  const known = task === null ? undefined : checked.get(task);
  return [
    task ?? '-',
    state,
    known ?? '-',
    wait === null ? '-' : waitedFor(wait),
    stage ?? '-',
    workspace ?? '-',
    file,
    (wait?.since ?? since).replace(/\.\d+Z$/, 'Z'),
    wait === null ? reason : waitWords(wait, reason),
  ];
}
