import { mayFollow } from '@countersign/contracts/task-state.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import type { ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import { reasonOf } from '../reason-words.ts';
import type { Context } from '../terminal.ts';

/** `reject`: names no digest, because a refusal holds for whatever the task has become in the meantime. */
export async function reject(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, spoolOptions, { least: 1, most: Number.POSITIVE_INFINITY });
  const [name = '', ...rest] = positionals;
  const reason = reasonOf(rest);
  const record = await namedTask(
    context.config.volumes,
    name,
    ({ state }) => mayFollow(state.status, 'rejected'),
    'rejected',
  );
  return await issueCommand(
    context,
    { kind: 'reject', subject: { task: record.id, reason } },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: `argv: reject ${words.join(' ')}` },
  );
}
