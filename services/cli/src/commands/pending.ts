import { inertJson } from '@countersign/contracts/inert-text.ts';
import { parseCommandLine } from '../arguments.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { formatTable } from '../table.ts';
import { type Context, print } from '../terminal.ts';
import { readRows } from './status.ts';

const columns = [
  { heading: 'TASK', width: 32 },
  { heading: 'WAITS FOR', width: 14 },
  { heading: 'CHECKED', width: 40 },
  { heading: 'STAGE', width: 16 },
  { heading: 'WORKSPACE', width: 24 },
  { heading: 'FILE', width: 48 },
  { heading: 'SINCE', width: 20 },
];

/** `pending`: what waits for a person. */
export async function pending(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, {}, { least: 0, most: 0 });
  const { rows: all, checked } = await readRows(context);
  const rows = all.filter(({ state, wait }) => state === 'pending' || state === 'review' || wait?.kind === 'answer');
  if (values.json === true) {
    print(context.stdout, inertJson(rows));
    return exitCodes.ok;
  }
  if (rows.length === 0) {
    print(context.stdout, 'nothing waits for you');
    return exitCodes.ok;
  }
  const cells = rows.map(({ task, state, stage, workspace, file, since }) => [
    task ?? '-',
    state === 'pending' ? 'your approval' : state === 'review' ? 'your review' : 'your answer',
    checked.get(task ?? '') ?? '-',
    stage ?? '-',
    workspace ?? '-',
    file,
    since.replace(/\.\d+Z$/, 'Z'),
  ]);
  print(
    context.stdout,
    ...formatTable(columns, cells),
    '',
    'Look first: countersign show <task>. Then approve, or merge what was reviewed, or reject.',
    ...(rows.some(({ wait }) => wait?.kind === 'answer')
      ? ['What is asked, and how it is answered: countersign questions']
      : []),
  );
  return exitCodes.ok;
}
