import { inertJson, inertLines } from '@countersign/contracts/inert-text.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { isPending } from '@countersign/kit/approval-view.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { parseCommandLine } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { namedTask } from '../named-task.ts';
import { refusalText, refusedFiles } from '../queue-files.ts';
import { findTask } from '../resolve-task.ts';
import { approvalLines, recordLines } from '../show-text.ts';
import { readShownApproval } from '../shown-approval.ts';
import { readTaskRecords } from '../task-files.ts';
import { type Context, print } from '../terminal.ts';

/** `show`: what an approval of a waiting task would bind; of another task, where it stands. */
export async function show(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, {}, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const json = values.json === true;
  const { records } = await readTaskRecords(context.config.volumes);
  if (findTask(name, records, () => true) === null && (await showRefused(context, name, json))) return exitCodes.ok;
  const record = await namedTask(context.config.volumes, name, () => true, 'shown');
  if (isPending(record)) {
    const view = await readShownApproval(context.config.volumes, record);
    const { digest, bundle, plan } = view;
    if (json) print(context.stdout, inertJson({ ...factsOf(record), digest, bundle, plan }));
    else print(context.stdout, ...approvalLines(record, view));
  } else if (json) print(context.stdout, inertJson(factsOf(record)));
  else print(context.stdout, ...recordLines(record));
  return exitCodes.ok;
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
