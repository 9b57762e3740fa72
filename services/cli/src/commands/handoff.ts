import { inertJson, inertLines } from '@countersign/contracts/inert-text.ts';
import { readHandoff, type SavedHandoff } from '@countersign/kit/review-view.ts';
import { parseCommandLine } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { namedTask } from '../named-task.ts';
import { type Context, print } from '../terminal.ts';

/** `handoff`: what the last attempt that left one hands to whoever takes the task up. */
export async function handoff(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, {}, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const { volumes } = context.config;
  const record = await namedTask(volumes, name, () => true, 'handed on');
  let found: SavedHandoff | null = null;
  let { attempts: attempt } = record;
  for (; attempt > 0 && found === null; attempt -= 1) found = await readSaved(volumes, record, attempt);
  if (found === null)
    throw new CliError('refused', `${record.id} has no handoff: it is ${record.state.status}. ${record.state.reason}`);
  const { path, text, parsed } = found;
  if (values.json === true) print(context.stdout, inertJson({ task: record.id, path, handoff: parsed, text }));
  // Its own keys tell what is ours from what stands under `agent`, and neither acts on the terminal.
  else print(context.stdout, `# ${path}; what stands under "agent" are the agent's words`, ...inertLines(text));
  return exitCodes.ok;
}

async function readSaved(volumes: string, record: Parameters<typeof readHandoff>[1], attempt: number) {
  try {
    return await readHandoff(volumes, record, attempt);
  } catch (cause) {
    throw new CliError('refused', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
