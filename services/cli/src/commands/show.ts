import { inertJson, inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import { MemoryTaskId, RunId } from '@countersign/contracts/names.ts';
import { type Result, type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { isPending } from '@countersign/kit/approval-view.ts';
import { type Attempt, readAttempts } from '@countersign/kit/attempt-facts.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { refusalText, refusedFiles } from '@countersign/kit/queue-files.ts';
import { recordFacts } from '@countersign/kit/record-facts.ts';
import { isReview, type ReviewView } from '@countersign/kit/review-view.ts';
import { readTaskRecords } from '@countersign/kit/task-records.ts';
import { parseCommandLine } from '../arguments.ts';
import { formatFacts } from '../facts.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { namedTask } from '../named-task.ts';
import { findTask } from '../resolve-task.ts';
import { lookSteps, resultLines, reviewSteps } from '../review-text.ts';
import { readRuns } from '../run-files.ts';
import { runLines } from '../run-text.ts';
import { approvalLines } from '../show-text.ts';
import { readShownApproval } from '../shown-approval.ts';
import { readShownDiff } from '../shown-diff.ts';
import { type Column, formatTable } from '../table.ts';
import { type Context, print } from '../terminal.ts';

/** `show`: what an approval or a merge of a waiting task would bind; of another task, where it stands. */
export async function show(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, {}, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const json = values.json === true;
  const { records } = await readTaskRecords(context.config.volumes);
  if (MemoryTaskId.safeParse(name).success) return showRuns(context, name, records, json);
  if (RunId.safeParse(name).success) return showRun(context, name, records, json);
  if (findTask(name, records, () => true) === null && (await showRefused(context, name, json))) return exitCodes.ok;
  const record = await namedTask(context.config.volumes, name, () => true, 'shown');
  const result = 'result' in record.state ? record.state.result : null;
  if (isPending(record)) {
    const view = await readShownApproval(context.config.volumes, record);
    const { digest, bundle, plan } = view;
    if (json) print(context.stdout, inertJson({ ...factsOf(record), digest, bundle, plan }));
    else print(context.stdout, ...approvalLines(record, view));
    return exitCodes.ok;
  }
  const attempts = await readAttempts(context.config.volumes, record);
  if (result !== null) await showResult(context, { record, attempts, records }, result, json);
  else if (json) print(context.stdout, inertJson({ ...factsOf(record), attempts }));
  else print(context.stdout, ...recordLines({ record, attempts, records }));
  return exitCodes.ok;
}

const runColumns: readonly Column[] = [
  { heading: 'TASK', width: 32 },
  { heading: 'RUN', width: 24 },
  { heading: 'WORKSPACE', width: 24 },
  { heading: 'STATE', width: 12 },
  { heading: 'ACCEPTED', width: 24 },
  { heading: 'REASON', width: 80 },
];

/** The runs that worked for a durable task of the memory, the newest first. */
function showRuns(context: Context, id: string, records: readonly TaskRecord[], json: boolean): ExitCode {
  const runs = records
    .filter(({ memory_task: task }) => task === id)
    .sort((a, b) => b.accepted_at.localeCompare(a.accepted_at));
  if (runs.length === 0)
    throw new CliError('refused', `no run has worked for ${id} yet; a task file names it: task: ${id}`);
  if (json) print(context.stdout, inertJson({ memory_task: id, runs: runs.map(factsOf) }));
  else {
    const rows = runs.map(({ id: task, run, workspace, state, accepted_at }) => [
      task,
      run,
      workspace,
      state.status,
      accepted_at,
      state.reason,
    ]);
    print(context.stdout, ...formatTable(runColumns, rows));
  }
  return exitCodes.ok;
}

/** One run, with its tasks. */
async function showRun(context: Context, id: string, records: readonly TaskRecord[], json: boolean): Promise<ExitCode> {
  const { runs, unreadable } = await readRuns(context.config.volumes, records);
  const run = runs.find((one) => one.id === id);
  if (run === undefined) {
    const found = unreadable.find(({ path }) => path.startsWith(`runs/${id}/`));
    const why = found === undefined ? `there is no run ${id}` : `${found.path} cannot be read: ${found.reason}`;
    throw new CliError('refused', `${why}; countersign runs lists them`);
  }
  print(context.stdout, ...(json ? [inertJson(run)] : runLines(run, records)));
  return exitCodes.ok;
}

type Shown = {
  readonly record: TaskRecord;
  readonly attempts: readonly Attempt[];
  readonly records: readonly TaskRecord[];
};

function recordLines({ record, attempts, records }: Shown): string[] {
  return formatFacts(recordFacts(record, attempts, (task) => records.find(({ id }) => id === task)?.state.status));
}

async function showResult(
  context: Context,
  { record, attempts, records }: Shown,
  result: Result,
  json: boolean,
): Promise<void> {
  const shown = await readResult(context.config.volumes, record, result);
  if (json) {
    const diff = shown.ok ? { diff: shown.view.index, handoff: shown.view.handoff } : { problem: shown.problem };
    return print(context.stdout, inertJson({ ...factsOf(record), attempts, digest: result.digest, ...diff }));
  }
  const steps = isReview(record)
    ? reviewSteps(record, result, record.state.refusals)
    : ['', ...lookSteps(record.id), ...failedSteps(record)];
  print(
    context.stdout,
    ...recordLines({ record, attempts, records }),
    ...(shown.ok ? resultLines(record, result, shown.view) : ['', inertLine(shown.problem)]),
    ...steps,
  );
}

type ShownResult = { readonly ok: true; readonly view: ReviewView } | { readonly ok: false; readonly problem: string };

/** Of a task that can still be merged nothing is shown that is not what the digest names; of any other, what there is. */
async function readResult(volumes: string, record: TaskRecord, result: Result): Promise<ShownResult> {
  try {
    return { ok: true, view: await readShownDiff(volumes, record, result) };
  } catch (error) {
    if (isReview(record) || !(error instanceof CliError)) throw error;
    return { ok: false, problem: error.message.replace(/^DO NOT MERGE: /, 'the saved diff cannot be shown: ') };
  }
}

function failedSteps({ id, state }: TaskRecord): string[] {
  if (state.status !== 'failed') return [];
  return [`It is not merged, for it failed. What the agent left to whoever goes on: countersign handoff ${id}`];
}

function factsOf(record: TaskRecord) {
  return { record, folder: taskFolder(record) };
}

/** A file that was refused has no record; its explanation is shown. */
async function showRefused({ config, stdout }: Context, name: string, json: boolean): Promise<boolean> {
  const row = (await refusedFiles(config.volumes)).find(({ task, file }) => task === name || file === name);
  if (row === undefined) return false;
  try {
    const text = await refusalText(config.volumes, row.file);
    print(stdout, ...(json ? [inertJson({ row, text })] : inertLines(text)));
  } catch (cause) {
    if (isMissing(cause)) throw new CliError('refused', `${JSON.stringify(name)} was removed just now`, { cause });
    throw cause;
  }
  return true;
}
