import { readFile } from 'node:fs/promises';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import { closestWord } from '@countersign/kit/closest-word.ts';
import { answer } from './commands/answer.ts';
import { approve } from './commands/approve.ts';
import { audit } from './commands/audit.ts';
import { cancel } from './commands/cancel.ts';
import { clean } from './commands/clean.ts';
import { diff } from './commands/diff.ts';
import { handoff } from './commands/handoff.ts';
import { merge } from './commands/merge.ts';
import { pause } from './commands/pause.ts';
import { pending } from './commands/pending.ts';
import { questions } from './commands/questions.ts';
import { queue } from './commands/queue.ts';
import { rebase } from './commands/rebase.ts';
import { reject } from './commands/reject.ts';
import { resultLines } from './commands/result-lines.ts';
import { resume } from './commands/resume.ts';
import { retry } from './commands/retry.ts';
import { runs } from './commands/runs.ts';
import { send } from './commands/send.ts';
import { show } from './commands/show.ts';
import { status } from './commands/status.ts';
import { submit } from './commands/submit.ts';
import { CliError, type ExitCode, exitCodes } from './failure.ts';
import { type Context, print } from './terminal.ts';

const commands = new Map(
  Object.entries({
    submit,
    approve,
    reject,
    merge,
    rebase,
    cancel,
    retry,
    questions,
    answer,
    pause,
    resume,
    pending,
    status,
    runs,
    queue,
    show,
    diff,
    handoff,
    send,
    clean,
    audit,
    'result-lines': resultLines,
  }),
);

/** What scripts/countersign does by itself, on the host. */
const hostCommands = ['open', 'close', 'image'];

/** Carries out one command line and tells what its exit code is to be. */
export async function runCli(words: readonly string[], context: Context): Promise<ExitCode> {
  const [name, ...rest] = words;
  const command = name === undefined ? undefined : commands.get(name);
  try {
    if (asksForHelp(words)) {
      context.stdout.write(await helpText(command === undefined ? 'countersign' : (name ?? 'countersign')));
      return exitCodes.ok;
    }
    if (command === undefined)
      throw new CliError('usage', name === undefined ? 'which command? See --help' : unknownCommand(name));
    return await command(context, rest);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    print(context.stderr, ...inertLines(`countersign: ${error.message}`));
    return error.code === 'usage' ? exitCodes.usage : exitCodes.refused;
  }
}

function unknownCommand(name: string): string {
  if (hostCommands.includes(name)) return `${name} is done on the machine itself: scripts/countersign ${name}`;
  const meant = closestWord(name, [...commands.keys(), ...hostCommands]);
  const known = `there is no command ${JSON.stringify(name)}`;
  return meant === null ? `${known}: see --help` : `${known}; did you mean ${meant}? See --help`;
}

/** What stands after `--` is words, whatever it looks like. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const options = end < 0 ? words : words.slice(0, end);
  return options.includes('--help') || options.includes('-h') || options[0] === 'help';
}

async function helpText(name: string): Promise<string> {
  return await readFile(new URL(`../help/${name}.txt`, import.meta.url), 'utf8');
}
