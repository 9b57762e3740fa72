import { GitError, type GitOptions } from '../git.ts';
import { printableLine } from '../printable.ts';
import { checkoutFolders } from '../task-folder.ts';
import { type Carried, carryCommits } from './carry-commits.ts';
import { agentLimits } from './limits.ts';
import type { Outcome } from './outcome.ts';
import { stoppedBy } from './stopped-by.ts';
import type { Worked } from './worked.ts';
import type { Workplace } from './workplace.ts';

/** Carries the commits of every repository over to its new base, or of none: one that conflicts keeps all of them back. */
export async function carryOver({ received, paths, progress, stop, logger }: Workplace): Promise<Worked> {
  const { repositories, task } = received.frame;
  logger.info({ task, repositories: repositories.length }, 'rebase starts');
  const options = (): GitOptions => ({ stop: AbortSignal.any([stop, AbortSignal.timeout(agentLimits.gitMs)]) });
  const folders = checkoutFolders(
    paths.workspace,
    repositories.map(({ name }) => name),
  );
  const carried: (Carried | null)[] = [];
  for (const [index, { name, base_head: baseHead, rebase }] of repositories.entries()) {
    const folder = folders[index];
    if (rebase === undefined || folder === undefined) {
      carried.push(null);
      continue;
    }
    progress.say({ summary: `carrying ${name} over` });
    try {
      carried.push(await carryCommits(folder, { baseHead, ...rebase }, paths.spool, options));
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      return { done: 'nothing', outcome: stop.aborted ? stoppedBy(stop) : refused(name, error), exitCode: null };
    }
  }
  const conflicts = repositories.flatMap(({ name }, index) => {
    const one = carried[index];
    return one?.kind === 'conflict' ? [{ name, files: one.files }] : [];
  });
  if (conflicts.length > 0) return { done: 'nothing', outcome: conflicted(conflicts), exitCode: null };
  return { done: 'rebase', outcome: { kind: 'finished' }, exitCode: null, carried };
}

function refused(name: string, error: GitError): Outcome {
  const full = error.stderr.includes('No space left on device');
  const errorClass = full ? 'workspace_too_large' : 'result_refused';
  return {
    kind: 'failed',
    errorClass,
    message: `${name} could not be carried over: ${printableLine(error.message, 1_000)}`,
  };
}

/** Names so many files in all, from each repository at least one. */
function conflicted(conflicts: readonly { readonly name: string; readonly files: readonly string[] }[]): Outcome {
  let room: number = agentLimits.namedConflicts;
  const named = conflicts.map(({ name, files }, index) => {
    const shown = files.slice(0, Math.max(1, room - (conflicts.length - 1 - index)));
    room -= shown.length;
    const more = files.length - shown.length;
    return `${name}: ${shown.map((file) => printableLine(file)).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  });
  const message = `the branch has changed the same places: ${named.join('; ')}`;
  return { kind: 'failed', errorClass: 'rebase_conflict', message };
}
