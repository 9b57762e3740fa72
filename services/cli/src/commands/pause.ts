import { parseCommandLine, spoolOptions } from '../arguments.ts';
import type { ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { reasonOf } from '../reason-words.ts';
import type { Context } from '../terminal.ts';

/** `pause`: from now on nothing is begun but merges; what runs goes on. */
export async function pause(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, spoolOptions, { least: 0, most: Number.POSITIVE_INFINITY });
  return await issueCommand(
    context,
    { kind: 'pause', subject: { reason: reasonOf(positionals) } },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: `argv: pause ${words.join(' ')}` },
  );
}
