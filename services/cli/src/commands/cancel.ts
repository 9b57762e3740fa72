import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { followRecord } from '../follow-task.ts';
import { type Ending, issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import { reasonOf } from '../reason-words.ts';
import { type Context, print } from '../terminal.ts';

/** `cancel`: names no digest, for it holds for whatever the task has become; waits until what is at work on it has let go. */
export async function cancel(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, spoolOptions, { least: 1, most: Number.POSITIVE_INFINITY });
  const [name = '', ...rest] = positionals;
  const reason = reasonOf(rest);
  const { volumes } = context.config;
  const record = await namedTask(volumes, name, ({ state }) => !isFinal(state.status), 'cancelled');
  const json = values.json === true;
  const progress = ({ state }: TaskRecord) => {
    if (!json && !isFinal(state.status)) print(context.stderr, `${state.status}: ${inertLine(state.reason)}`);
  };
  return await issueCommand(
    context,
    { kind: 'cancel', subject: { task: record.id, reason } },
    {
      json,
      wait: values['no-wait'] !== true,
      evidence: `argv: cancel ${words.join(' ')}`,
      follow: async () => {
        if (!json)
          print(context.stderr, `it is ${record.state.status}; waiting until what is at work on it has let go`);
        return endingOf(
          record,
          await followRecord(record, {
            volumes,
            waitMs: context.workWaitMs.cancel,
            signal: context.signal,
            isOver: ({ state }) => isFinal(state.status),
            onChange: progress,
          }),
        );
      },
    },
  );
}

function endingOf(before: TaskRecord, after: TaskRecord | null): Ending {
  if (after === null)
    return {
      code: exitCodes.noVerdict,
      lines: [`it has not ended yet, and is cancelled as soon as it can be: countersign show ${before.id}`],
      facts: { cancelled: null },
    };
  const { id, state } = after;
  const facts = { state: state.status, reason: state.reason };
  if (state.status !== 'cancelled')
    return {
      code: exitCodes.refused,
      lines: [`not cancelled, for it has ended otherwise: ${state.status}. ${inertLine(state.reason)}`],
      facts: { cancelled: false, ...facts },
    };
  return {
    code: exitCodes.ok,
    lines: [
      `${id} is cancelled. ${inertLine(state.reason)}`,
      ...(after.attempts === 0 ? [] : [`What its attempt had come to is kept: countersign show ${id}`]),
      `Try it once more: countersign retry ${id}`,
    ],
    facts: { cancelled: true, ...facts },
  };
}
