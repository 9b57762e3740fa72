import { inertJson } from '@countersign/contracts/inert-text.ts';
import { parseCommandLine } from '../arguments.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { queueLines, readQueue } from '../queue-lines.ts';
import { runnerAbsence } from '../status-rows.ts';
import { type Context, print } from '../terminal.ts';

/** `queue`: whether it is paused, by whom and why, and every breaker that is not closed. */
export async function queue(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values } = parseCommandLine(words, {}, { least: 0, most: 0 });
  const { volumes } = context.config;
  const { paused, breakers } = await readQueue(volumes);
  const absence = await runnerAbsence(volumes);
  if (values.json === true) {
    print(context.stdout, inertJson({ paused, breakers }));
    if (absence !== null) print(context.stderr, absence);
    return exitCodes.ok;
  }
  const lines = queueLines({ version: 1, paused, breakers });
  print(context.stdout, ...(lines.length === 0 ? ['the queue is not paused, and every breaker is closed'] : lines));
  if (absence !== null) print(context.stdout, absence);
  return exitCodes.ok;
}
