import type { GitOptions } from '../git.ts';
import type { Carried } from './carry-commits.ts';
import { bundleResult, type Collected } from './collect-repository.ts';

/** Bundles carried commits. Where nothing of them is left, and where nothing was to be carried, there is no bundle. */
export async function collectCarried(
  folder: string,
  baseHead: string,
  bundlePath: string,
  carried: Carried | null | undefined,
  options: GitOptions,
): Promise<Collected> {
  const nothing = { head: undefined, bundle: undefined, problem: undefined };
  if (carried?.kind !== 'carried') return { ...nothing, note: undefined };
  if (carried.head === baseHead) return { ...nothing, note: carried.note };
  await bundleResult(folder, baseHead, carried.head, bundlePath, options);
  return { head: carried.head, bundle: bundlePath, problem: undefined, note: carried.note };
}
