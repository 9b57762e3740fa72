import { appendFileSync } from 'node:fs';
import type { MergeTarget } from '../merge/merge-target.ts';
import { mergeTargets } from '../merge/merge-targets.ts';
import { recoverMerge } from '../merge/recover-merge.ts';

/** What the program is asked: which half, and the number of the step at which it kills itself and its children. */
export type MergeProcess = {
  readonly work: 'merge' | 'recover';
  readonly targets: readonly MergeTarget[];
  readonly scratch: string;
  readonly killAt: number;
  /** The steps that were reached, one a line. */
  readonly log: string;
};

// A group of its own: what git started dies with it, as when a container is killed.
const { work, targets, scratch, killAt, log } = JSON.parse(process.argv[2] ?? '') as MergeProcess;
let reached = 0;
const at = async (step: string) => {
  appendFileSync(log, `${step}\n`);
  reached += 1;
  if (reached === killAt) process.kill(-process.pid, 'SIGKILL');
};
if (work === 'merge') await mergeTargets(targets, scratch, { at });
else await recoverMerge(targets, scratch, { at });
