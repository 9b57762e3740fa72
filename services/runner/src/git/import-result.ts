import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { resultLimits } from '@countersign/contracts/limits.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { readBundleHeader } from './bundle-header.ts';
import { checkChangedPaths } from './changed-paths.ts';
import { changedSizes, tooLargeToDiff } from './changed-sizes.ts';
import { GitError, git, gitLine, tryGit } from './git.ts';
import { setOwnRef } from './own-ref.ts';
import type { Repository } from './repository.ts';
import { checkTreeBomb } from './tree-bomb.ts';

/** A quarantine that holds a checked result; `folder` is a bare repository that borrows the operator's objects. */
export type Quarantine = {
  readonly ok: true;
  readonly folder: string;
  readonly tip: ObjectId;
  readonly packPath: string;
};
/** In bytes: of the pack, and of all objects in it, unpacked. */
export type ImportLimits = {
  readonly bundleBytes: number;
  readonly unpackedBytes: number;
  readonly fileBytes: number;
};
export type Refused = { readonly ok: false; readonly reason: string };

/**
 * Takes a bundle that a sandbox sent into a throwaway repository and checks it there: header, every object, size, tip, ancestry,
 * modes and names. Nothing touches the operator's repository; the caller removes `folder` and `packPath` in any case.
 */
export async function quarantineResult(
  scratch: string,
  bundlePath: string,
  repository: Repository,
  base: ObjectId,
  signal?: AbortSignal,
  limits: ImportLimits = resultLimits,
): Promise<Quarantine | Refused> {
  const header = await readBundleHeader(bundlePath, base);
  if (!header.ok) return header;
  const folder = join(scratch, 'quarantine.git');
  const received = join(scratch, 'received.pack');
  const packPath = join(scratch, 'result.pack');
  await rm(folder, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  await git(scratch, ['init', '-q', '--bare', '--template=', 'quarantine.git']);
  const objects = await gitLine(repository.folder, ['rev-parse', '--path-format=absolute', '--git-path', 'objects']);
  await writeFile(join(folder, 'objects', 'info', 'alternates'), `${objects}\n`);
  // Of the base's own history, which a shallow clone of the operator's does not have, nothing is asked.
  await writeFile(join(folder, 'shallow'), `${base}\n`);
  await pipeline(createReadStream(bundlePath, { start: header.packOffset }), createWriteStream(received));
  try {
    const indexPack = ['index-pack', '--stdin', '--fix-thin', '--strict', `--max-input-size=${limits.bundleBytes}`];
    await git(folder, indexPack, { input: { path: received }, signal });
    const refusal =
      (await checkHistory(folder, header.tip, base)) ??
      (await checkSizes(folder, header.tip, base, limits.unpackedBytes, signal)) ??
      (await checkTreeBomb(folder, base, header.tip, resultLimits.changedPaths, signal)) ??
      (await checkChangedPaths(folder, base, header.tip)) ??
      tooLargeToDiff(await changedSizes(folder, base, header.tip), limits);
    if (refusal !== null) return { ok: false, reason: refusal };
  } catch (error) {
    if (!(error instanceof GitError) || signal?.aborted === true) throw error;
    return { ok: false, reason: error.message };
  }
  await git(folder, ['update-ref', 'refs/heads/agent', header.tip]);
  // What goes on is packed anew: the pack that came may hold objects that nothing names and nobody looked at.
  await git(folder, ['pack-objects', '-q', '--revs', '--thin', '--stdout'], {
    input: Buffer.from(`${header.tip}\n^${base}\n`),
    outputPath: packPath,
    signal,
  });
  return { ok: true, folder, tip: header.tip, packPath };
}

async function checkHistory(folder: string, tip: ObjectId, base: ObjectId): Promise<string | null> {
  if (tip === base) return 'the result holds no commit of its own';
  const type = await tryGit(folder, ['cat-file', '-t', tip]);
  if (type.stdout.toString('utf8').trim() !== 'commit') return 'the result is no commit';
  const ancestor = await tryGit(folder, ['merge-base', '--is-ancestor', base, tip]);
  return ancestor.exitCode === 0 ? null : 'the result does not descend from the commit that the sandbox was given';
}

/** Whether every object is there, and how large all of them are. */
async function checkSizes(
  folder: string,
  tip: ObjectId,
  base: ObjectId,
  limit: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const list = ['rev-list', '--objects', '--no-object-names', tip, '--not', base];
  const listed = await tryGit(folder, list, { signal });
  // It was ended before it had an answer: there are too many, or it took too long.
  if (listed.exitCode === undefined) throw new GitError(list, listed);
  if (listed.exitCode !== 0) return 'objects of the result are missing';
  const sizes = await gitLine(folder, ['cat-file', '--batch-check=%(objectsize)', '--buffer'], {
    input: listed.stdout,
    signal,
  });
  const total = sizes.split('\n').reduce((sum, size) => sum + Number(size), 0);
  return total <= limit ? null : `the result unpacks to ${total} bytes, more than ${limit}`;
}

/**
 * Takes a checked result into the operator's repository, under a ref of ours; no branch, index or file is touched.
 * Safe to repeat. @throws GitError
 */
export async function adoptResult(
  quarantine: Quarantine,
  repository: Repository,
  ref: string,
  signal?: AbortSignal,
): Promise<void> {
  await git(repository.folder, ['index-pack', '--stdin', '--fix-thin', '--strict'], {
    input: { path: quarantine.packPath },
    signal,
  });
  await setOwnRef(repository.folder, ref, quarantine.tip, 'countersign: result', { signal });
}
