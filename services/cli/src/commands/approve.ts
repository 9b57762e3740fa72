import { isPending } from '@countersign/kit/approval-view.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import { readShownApproval } from '../shown-approval.ts';
import { checkDigest } from '../shown-digest.ts';
import { type Context, print } from '../terminal.ts';

/** `approve`: binds to the digest that `show` shows now, after the same checks. */
export async function approve(context: Context, words: readonly string[]): Promise<ExitCode> {
  const options = { ...spoolOptions, digest: { type: 'string' } } as const;
  const { values, positionals } = parseCommandLine(words, options, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const record = await namedTask(context.config.volumes, name, isPending, 'approved');
  if (!isPending(record)) throw new CliError('refused', `${record.id} is not pending`);
  const { digest } = await readShownApproval(context.config.volumes, record);
  checkDigest(values.digest, digest, record.id);
  if (values.json !== true) print(context.stderr, `approving ${record.id}, digest ${digest.slice(0, 8)}`);
  return await issueCommand(
    context,
    { kind: 'approve', subject: { task: record.id, digest } },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: `argv: approve ${words.join(' ')}` },
  );
}
