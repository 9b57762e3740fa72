import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';

/** Why a merge did not happen: the code, what is in the way, and the command that mends it. */
export function refusalLines(task: string, refusals: readonly MergeRefusal[]): string[] {
  return [
    ...refusals.flatMap(({ code, repository, message, names }) => [
      `  ${code}: ${inertLine(repository)}: ${inertLine(message)}`,
      ...names.map((name) => `    in the way: ${inertLine(name)}`),
    ]),
    ...mendingLines(task, refusals),
  ];
}

/** What is mended by a command of ours and not by one in the repository. */
function mendingLines(task: string, refusals: readonly MergeRefusal[]): string[] {
  const codes = new Set(refusals.map(({ code }) => code));
  return [
    ...(codes.has('moved') ? [`  Carry it over to where the branch is now: countersign rebase ${task}`] : []),
    ...(codes.has('conflict')
      ? [
          `  Look at what there is: scripts/countersign open ${task}; or countersign reject ${task} and drop its file again`,
        ]
      : []),
    ...(codes.has('unverified') ? [`  Merge it as it is: countersign merge ${task} --unverified`] : []),
    ...(codes.has('stale-digest') ? [`  Look again: countersign show ${task}`] : []),
    ...(codes.has('no-snapshot') ? [`  Reject it and drop its file again: countersign reject ${task}`] : []),
  ];
}
