import { parseCommandLine, spoolOptions } from '../arguments.ts';
import type { ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import type { Context } from '../terminal.ts';

/** `resume`: what waited for the paused queue goes on. */
export async function resume(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, spoolOptions, { least: 0, most: 0 });
  return await issueCommand(
    context,
    { kind: 'resume', subject: {} },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: 'argv: resume' },
  );
}
