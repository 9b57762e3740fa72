import { commandLimits } from '@countersign/contracts/limits.ts';
import { CliError } from './failure.ts';

/** The words that a person gives as a reason. @throws CliError `usage` when there are too many */
export function reasonOf(words: readonly string[]): string {
  const reason = words.join(' ');
  if (reason.length > commandLimits.reasonCharacters)
    throw new CliError(
      'usage',
      `a reason has at most ${commandLimits.reasonCharacters} characters, this one ${reason.length}`,
    );
  return reason;
}
