import { z } from 'zod';
import { ObjectId, Sha256, WorkspaceName } from './names.ts';

/** What `index.json` lists of one repository; what is more is counted. */
export const diffIndexLimits = {
  files: 5_000,
  /** A longer path is cut, and ends in `…`. */
  pathCharacters: 1_024,
  /** Of the list as JSON, in UTF-16 code units. */
  listCharacters: 2 * 1024 * 1024,
  /** Of one task. */
  repositories: 64,
} as const;

/** What in a changed file deserves eyes before it is merged. */
export const DiffFlag = z.enum([
  'agent-config',
  'bidi-control',
  'binary',
  'build-file',
  'ci',
  'control-character',
  'editor-config',
  'environment-file',
  'git-attributes',
  'homoglyph',
  'hook',
  'invisible-character',
  'large-change',
  'lockfile',
  'long-line',
  'mode-change',
  'package-script',
  'renamed-and-changed',
  'submodule',
  'symlink',
  'whitespace-gap',
]);
export type DiffFlag = z.infer<typeof DiffFlag>;

const count = z.int().nonnegative();
const flags = z.array(DiffFlag).max(DiffFlag.options.length);
/** Of a repository's tree, in octal; `000000` where there is no file. */
const mode = z.string().regex(/^[0-7]{6}$/);
/** The attacker's text, and not always whole: to be shown, never to be opened. */
const path = z.string().max(diffIndexLimits.pathCharacters);

/** One changed file. */
export const DiffFile = z.strictObject({
  path,
  /** Of a renamed file. */
  old_path: path.optional(),
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'type-changed']),
  old_mode: mode,
  new_mode: mode,
  old_oid: ObjectId.optional(),
  new_oid: ObjectId.optional(),
  /** In lines; null where the patch shows none. */
  insertions: count.nullable(),
  deletions: count.nullable(),
  /** Of the new content; 0 for a file that was deleted. */
  bytes: count,
  /** Sorted. */
  flags,
});
export type DiffFile = z.infer<typeof DiffFile>;

/** What one repository's patch holds. */
export const RepositoryDiff = z.strictObject({
  name: WorkspaceName,
  branch: z.string().max(1_024),
  base_head: ObjectId,
  head: ObjectId,
  patch: z.strictObject({ file: z.string().regex(/^[A-Za-z0-9._-]+\.patch$/), bytes: count, sha256: Sha256 }),
  /** Of all files, listed or not; a renamed file is one. */
  totals: z.strictObject({ files: count, insertions: count, deletions: count, flagged: count }),
  /** Of all files, listed or not; sorted. */
  flags,
  /** In git's order. Where not all find room, those with flags go first. */
  files: z.array(DiffFile).max(diffIndexLimits.files),
  files_left_out: count,
});
export type RepositoryDiff = z.infer<typeof RepositoryDiff>;

/** `attempts/<n>/diffs/index.json`, whose digest a merge approval names. All text in it is a repository's, so an attacker's. */
export const DiffIndex = z.strictObject({
  version: z.literal(1),
  repositories: z.array(RepositoryDiff).max(diffIndexLimits.repositories),
});
export type DiffIndex = z.infer<typeof DiffIndex>;
