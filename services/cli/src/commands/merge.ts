import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isReview, type Review } from '@countersign/kit/review-view.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { followTask } from '../follow-task.ts';
import { type Ending, issueCommand } from '../issue-command.ts';
import { namedTask } from '../named-task.ts';
import { refusalLines } from '../refusal-text.ts';
import { readShownDiff } from '../shown-diff.ts';
import { checkDigest } from '../shown-digest.ts';
import { type Context, print } from '../terminal.ts';

/** `merge`: binds to the saved diff that `show` shows now, and waits until it is in its branches or is not. */
export async function merge(context: Context, words: readonly string[]): Promise<ExitCode> {
  const options = { ...spoolOptions, digest: { type: 'string' }, unverified: { type: 'boolean' } } as const;
  const { values, positionals } = parseCommandLine(words, options, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const { volumes } = context.config;
  const record = await namedTask(volumes, name, isReview, 'merged');
  if (!isReview(record)) throw new CliError('refused', `${record.id} has nothing to merge`);
  const { result } = record.state;
  const { digest } = result;
  await readShownDiff(volumes, record, result);
  checkDigest(values.digest, digest, record.id);
  const unverified = values.unverified === true ? ({ unverified: true } as const) : {};
  if (values.json !== true)
    print(
      context.stderr,
      `merging ${record.id}, digest ${digest.slice(0, 8)}, ${result.verification.status}, into ${result.repositories.map(({ name: repository, branch }) => inertLine(`${repository} ${branch}`)).join(', ')}`,
    );
  return await issueCommand(
    context,
    { kind: 'merge', subject: { task: record.id, digest, ...unverified } },
    {
      json: values.json === true,
      wait: values['no-wait'] !== true,
      evidence: `argv: merge ${words.join(' ')}`,
      follow: async () => endingOf(record, await followTask(record, volumes, context.workWaitMs.merge, context.signal)),
    },
  );
}

function endingOf(before: Review, after: TaskRecord | null): Ending {
  if (after === null)
    return {
      code: exitCodes.noVerdict,
      lines: [`it is not merged yet, and goes on by itself: countersign show ${before.id}`],
      facts: { merged: null },
    };
  const { state } = after;
  if (state.status === 'done')
    return {
      code: exitCodes.ok,
      lines: [inertLine(state.reason)],
      facts: {
        merged: true,
        state: state.status,
        reason: state.reason,
        repositories: state.result?.repositories ?? [],
      },
    };
  const refusals = state.status === 'review' ? state.refusals : [];
  const why = refusals.length > 0 ? refusalLines(after.id, refusals) : [`  ${inertLine(state.reason)}`];
  return {
    code: exitCodes.refused,
    lines: ['not merged; nothing was changed:', ...why],
    facts: { merged: false, state: state.status, reason: state.reason, refusals },
  };
}
