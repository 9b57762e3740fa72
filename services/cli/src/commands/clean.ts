import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import { findRemovable, type Kept, type Removable } from '@countersign/kit/removable.ts';
import { readTaskRecords } from '@countersign/kit/task-records.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { type Context, print } from '../terminal.ts';

const defaultDays = 30;
const listed = 40;
const words = {
  output: 'raw output of ended tasks',
  leftover: 'leftovers of ended attempts',
  pack: 'packs of checkouts, made again when needed',
} as const satisfies Record<Removable['kind'], string>;

/** `clean`: what may go without losing work. Says so, and removes it only with --apply; the runner does that, not this. */
export async function clean(context: Context, line: readonly string[]): Promise<ExitCode> {
  const options = { ...spoolOptions, 'older-than': { type: 'string' }, apply: { type: 'boolean' } } as const;
  const { values } = parseCommandLine(line, options, { least: 0, most: 0 });
  const days = readDays(values['older-than']);
  const json = values.json === true;
  if (values.apply === true) {
    return await issueCommand(
      context,
      { kind: 'clean', subject: { older_than_days: days } },
      { json, wait: values['no-wait'] !== true, evidence: `argv: clean ${line.join(' ')}` },
    );
  }
  const { records } = await readTaskRecords(context.config.volumes);
  const found = await findRemovable(context.config.volumes, records, days, new Date());
  if (json) print(context.stdout, inertJson({ older_than_days: days, ...found }));
  else print(context.stdout, ...report(found, days));
  return exitCodes.ok;
}

function readDays(text: string | undefined): number {
  if (text === undefined) return defaultDays;
  const [, days] = /^(\d{1,4})d?$/.exec(text) ?? [];
  if (days === undefined) throw new CliError('usage', '--older-than takes a number of days, such as 30');
  return Number(days);
}

function report(
  { removable, kept }: { readonly removable: readonly Removable[]; readonly kept: readonly Kept[] },
  days: number,
): string[] {
  const lines = (Object.keys(words) as Removable['kind'][]).map((kind) => {
    const items = removable.filter((item) => item.kind === kind);
    return `${megabytes(sum(items)).padStart(10)}  ${items.length} × ${words[kind]}`;
  });
  const largest = [...removable].sort((a, b) => b.bytes - a.bytes).slice(0, listed);
  return [
    `Older than ${days} days:`,
    ...lines,
    `${megabytes(sum(removable)).padStart(10)}  in all`,
    ...(largest.length === 0 ? [] : ['', 'The largest:']),
    ...largest.map(({ path, bytes }) => `${megabytes(bytes).padStart(10)}  ${inertLine(path)}`),
    ...(kept.length === 0 ? [] : ['', `Stays, for nothing else tells what became of it: ${kept.length} files`]),
    ...kept.slice(0, listed).map(({ path, reason }) => `            ${inertLine(path)}: ${reason}`),
    '',
    removable.length === 0
      ? 'There is nothing to remove.'
      : 'Nothing was removed. Remove it: scripts/countersign clean --apply',
    'Plans, diffs, handoffs, summaries, artifacts and journals always stay, and so do repositories.',
  ];
}

function sum(items: readonly { readonly bytes: number }[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
