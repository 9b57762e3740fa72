import { commandLimits } from '@countersign/contracts/limits.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import type { Context } from '../terminal.ts';

/** `send`: a line for the operator's room. */
export async function send(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, spoolOptions, { least: 1, most: Number.POSITIVE_INFINITY });
  const text = positionals.join(' ');
  if (text.trim() === '') throw new CliError('usage', 'there is nothing to send');
  if (text.length > commandLimits.lineCharacters)
    throw new CliError(
      'usage',
      `a line has at most ${commandLimits.lineCharacters} characters, this one ${text.length}`,
    );
  return await issueCommand(
    context,
    { kind: 'send', subject: { text } },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: 'argv: send' },
  );
}
