import { isFinal, mayFollow } from '@countersign/contracts/task-state.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import type { ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import type { Context } from '../terminal.ts';

/** `retry`: one new attempt of a task that has ended without success; the attempts before stay beside it. */
export async function retry(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, spoolOptions, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const record = await namedTask(
    context.config.volumes,
    name,
    ({ state }) => isFinal(state.status) && mayFollow(state.status, 'queued'),
    'tried once more',
  );
  return await issueCommand(
    context,
    { kind: 'retry', subject: { task: record.id } },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: `argv: retry ${words.join(' ')}` },
  );
}
