import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isReview, type Review } from '@countersign/kit/review-view.ts';
import { describeVerification } from '@countersign/kit/verification-words.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { followTask } from '../follow-task.ts';
import { type Ending, issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import { refusalLines } from '../refusal-text.ts';
import { readShownDiff } from '../shown-diff.ts';
import { type Context, print } from '../terminal.ts';

/** `rebase`: carries the result over to where its branches are now; what comes of it is looked at and merged anew. */
export async function rebase(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, spoolOptions, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const { volumes } = context.config;
  const record = await namedTask(volumes, name, isReview, 'carried over');
  if (!isReview(record)) throw new CliError('refused', `${record.id} has nothing to carry over`);
  const { digest } = record.state.result;
  await readShownDiff(volumes, record, record.state.result);
  if (values.json !== true) print(context.stderr, `rebasing ${record.id}, digest ${digest.slice(0, 8)}`);
  return await issueCommand(
    context,
    { kind: 'rebase', subject: { task: record.id, digest } },
    {
      json: values.json === true,
      wait: values['no-wait'] !== true,
      evidence: `argv: rebase ${words.join(' ')}`,
      follow: async () =>
        endingOf(record, await followTask(record, volumes, context.workWaitMs.rebase, context.signal)),
    },
  );
}

function endingOf(before: Review, after: TaskRecord | null): Ending {
  if (after === null)
    return {
      code: exitCodes.noVerdict,
      lines: [`it is not carried over yet, and goes on by itself: countersign show ${before.id}`],
      facts: { rebased: null },
    };
  const { id, state } = after;
  const facts = { state: state.status, reason: state.reason };
  if (state.status === 'done')
    return { code: exitCodes.ok, lines: [inertLine(state.reason)], facts: { rebased: true, ...facts } };
  if (state.status === 'review' && state.result.digest !== before.state.result.digest) {
    const { digest, verification } = state.result;
    return {
      code: exitCodes.ok,
      lines: [
        `carried over; the diff is another one now: digest ${digest}`,
        describeVerification(verification),
        `Look at it anew: countersign show ${id}`,
      ],
      facts: { rebased: true, ...facts, digest, verification },
    };
  }
  const refusals = state.status === 'review' ? state.refusals : [];
  const why = refusals.length > 0 ? refusalLines(id, refusals) : [`  ${inertLine(state.reason)}`];
  return {
    code: exitCodes.refused,
    lines: ['not carried over:', ...why],
    facts: { rebased: false, ...facts, refusals },
  };
}
