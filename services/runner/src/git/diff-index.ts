import {
  type DiffFile,
  type DiffFlag,
  diffIndexLimits,
  type RepositoryDiff,
} from '@countersign/contracts/diff-index.ts';
import type { Change } from './diff-changes.ts';
import { changeFlags } from './diff-flags.ts';
import { scanBlobs } from './diff-text-blobs.ts';
import { type Section, scanPatch } from './diff-text-patch.ts';
import { GitError } from './git.ts';

type Listing = Pick<RepositoryDiff, 'totals' | 'flags' | 'files' | 'files_left_out'>;

/**
 * Lists what a saved patch changes, each file with what deserves eyes: in its name and modes, in the lines that the patch adds, and
 * in the whole new content where the patch shows no lines. @throws GitError
 */
export async function listChanges(
  quarantine: string,
  patchPath: string,
  changes: readonly Change[],
  signal?: AbortSignal,
): Promise<Listing> {
  const sections = await scanPatch(patchPath, signal);
  const hidden = changes.filter(({ insertions, new_mode }) => insertions === null && new_mode.startsWith('100'));
  const blobs = await scanBlobs(
    quarantine,
    hidden.map(({ new_oid = '', bytes }) => ({ oid: new_oid, bytes })),
    signal,
  );
  let at = 0;
  const files = changes.map((change) => {
    const flags = new Set(changeFlags(change));
    for (const oids of sectionsOf(change)) {
      const section = takeSection(sections, at, oids);
      for (const flag of section.flags) flags.add(flag);
      at += 1;
    }
    if (change.insertions === null) for (const flag of blobs.get(change.new_oid ?? '') ?? []) flags.add(flag);
    return { ...change, flags: [...flags].sort() };
  });
  if (at !== sections?.length) throw misread();
  return { ...chooseListed(files), ...totalsOf(files) };
}

/** The objects that the patch names for a change, once per section; a file that becomes a link is removed and added. */
function sectionsOf({ status, old_oid, new_oid }: Change): (string | null)[] {
  const none = '0'.repeat((old_oid ?? new_oid ?? '').length);
  if (status === 'type-changed') return [`${old_oid}..${none}`, `${none}..${new_oid}`];
  return [old_oid === new_oid ? null : `${old_oid ?? none}..${new_oid ?? none}`];
}

/** A patch that does not go with its list could pass one file's flags to another: nobody is to review that. */
function takeSection(sections: readonly Section[] | null, at: number, oids: string | null): Section {
  const section = sections?.[at];
  if (section === undefined || section.oids !== oids) throw misread();
  return section;
}

function misread(): GitError {
  const stderr = 'the patch does not go with the list of changed files';
  return new GitError(['diff'], { exitCode: 0, stdout: Buffer.alloc(0), stderr, cause: '' });
}

function totalsOf(files: readonly DiffFile[]): Pick<Listing, 'totals' | 'flags'> {
  const sum = (count: (file: DiffFile) => number) => files.reduce((total, file) => total + count(file), 0);
  return {
    totals: {
      files: files.length,
      insertions: sum((file) => file.insertions ?? 0),
      deletions: sum((file) => file.deletions ?? 0),
      flagged: sum(({ flags }) => (flags.length > 0 ? 1 : 0)),
    },
    flags: [...new Set<DiffFlag>(files.flatMap(({ flags }) => flags))].sort(),
  };
}

/** Harmless files in any number must not crowd out the others. */
function chooseListed(files: readonly DiffFile[]): Pick<Listing, 'files' | 'files_left_out'> {
  const shown = files.map(cutPaths);
  const byNeed = [...shown.filter(({ flags }) => flags.length > 0), ...shown.filter(({ flags }) => flags.length === 0)];
  const listed = new Set<DiffFile>();
  let room: number = diffIndexLimits.listCharacters;
  for (const file of byNeed.slice(0, diffIndexLimits.files)) {
    room -= JSON.stringify(file).length + 1;
    if (room < 0) break;
    listed.add(file);
  }
  return { files: shown.filter((file) => listed.has(file)), files_left_out: files.length - listed.size };
}

function cutPaths(file: DiffFile): DiffFile {
  return {
    ...file,
    path: cut(file.path),
    ...(file.old_path === undefined ? {} : { old_path: cut(file.old_path) }),
  };
}

function cut(path: string): string {
  const { pathCharacters } = diffIndexLimits;
  return path.length <= pathCharacters ? path : `${path.slice(0, pathCharacters - 1)}…`;
}
