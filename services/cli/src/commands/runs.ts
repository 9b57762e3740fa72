import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import { readTaskRecords } from '@countersign/kit/task-records.ts';
import { parseCommandLine } from '../arguments.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { readRuns } from '../run-files.ts';
import { runTable } from '../run-text.ts';
import { type Context, print } from '../terminal.ts';

/** `runs`: every run, the newest first, with what its tasks come to. */
export async function runs({ config, stdout, stderr }: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, {}, { least: 0, most: 0 });
  const { records, unreadable } = await readTaskRecords(config.volumes);
  const listed = await readRuns(config.volumes, records);
  for (const { path, reason } of [...listed.unreadable, ...unreadable])
    print(stderr, `${path} cannot be read: ${inertLine(reason).slice(0, 300)}`);
  if (values.json === true) print(stdout, inertJson(listed.runs));
  else print(stdout, ...(listed.runs.length === 0 ? ['no runs yet'] : runTable(listed.runs)));
  return exitCodes.ok;
}
