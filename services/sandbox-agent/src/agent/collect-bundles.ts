import { join } from 'node:path';
import type { EndFrame, TaskFrame } from '@countersign/contracts/frames.ts';
import { resultLimits } from '@countersign/contracts/limits.ts';
import { GitError } from '../git.ts';
import { checkoutFolders } from '../task-folder.ts';
import type { Collected } from './collect-repository.ts';
import type { AgentPaths } from './paths.ts';
import type { Source } from './source.ts';
import { measure } from './untrusted-file.ts';

/** What of a kind goes out: its bytes, its entries in `end`, what is refused, and what people should know. */
export type Sent<T> = {
  readonly sources: Source[];
  readonly entries: T[];
  readonly problems: string[];
  readonly notes: string[];
};

/** How one repository becomes a bundle, if it becomes one. @throws GitError */
type CollectOne = (folder: string, baseHead: string, bundlePath: string, repository: number) => Promise<Collected>;

/** Bundles every repository; one that is refused does not keep the others back. */
export async function collectBundles(
  paths: AgentPaths,
  frame: TaskFrame,
  collectOne: CollectOne,
): Promise<Sent<EndFrame['bundles'][number]>> {
  const collected: Sent<EndFrame['bundles'][number]> = { sources: [], entries: [], problems: [], notes: [] };
  const names = frame.repositories.map(({ name }) => name);
  for (const [repository, folder] of checkoutFolders(paths.workspace, names).entries()) {
    const { name, base_head: baseHead } = frame.repositories[repository] ?? {};
    if (name === undefined || baseHead === undefined) continue;
    const path = join(paths.spool, `${repository}.bundle`);
    const { head, bundle, problem, note } = await refuseFailure(collectOne(folder, baseHead, path, repository));
    if (problem !== undefined) collected.problems.push(`${name}: ${problem}`);
    if (note !== undefined) collected.notes.push(`${name}: ${note}`);
    if (head === undefined || bundle === undefined) continue;
    const measured = await measure(bundle, resultLimits.bundleBytes);
    if (measured === undefined) {
      collected.problems.push(`${name}: its bundle is larger than ${resultLimits.bundleBytes} bytes`);
      continue;
    }
    collected.entries.push({ repository, head, ...measured });
    collected.sources.push({ frame: 'bundle', index: repository, path, bytes: measured.bytes, cursor: 0 });
  }
  return collected;
}

async function refuseFailure(collecting: Promise<Collected>): Promise<Collected> {
  try {
    return await collecting;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return { head: undefined, bundle: undefined, problem: error.message, note: undefined };
  }
}
