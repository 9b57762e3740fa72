import { parseCommandLine } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { namedTask } from '../named-task.ts';
import { type Context, print } from '../terminal.ts';

/**
 * `result-lines`: for `scripts/countersign open` and `close`, which run where there may be no program that reads JSON. One line with
 * the task and its workspace, and one for each repository of its result; words are separated by single spaces and hold none.
 */
export async function resultLines(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { positionals } = parseCommandLine(words, {}, { least: 1, most: 1 });
  const { id, workspace, state } = await namedTask(context.config.volumes, positionals[0] ?? '', () => true, 'opened');
  const result = 'result' in state ? state.result : null;
  if (result === null || result.repositories.length === 0)
    throw new CliError('refused', `${id} has no result to open: it is ${state.status}. ${state.reason}`);
  const lines = result.repositories.map(({ name, head, ref }) => ['repository', name, head, ref]);
  for (const line of [['result', id, workspace], ...lines]) {
    // The record says which letters these may have, but for the ref, which is text there.
    if (line.some((word) => /[^!-~]/.test(word)))
      throw new CliError('refused', `the result of ${id} has an unusable name`);
    print(context.stdout, line.join(' '));
  }
  return exitCodes.ok;
}
