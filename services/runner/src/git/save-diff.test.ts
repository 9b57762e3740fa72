import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { sha256, sha256OfFile } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { commitFiles, makeRepository, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { saveDiff, saveDiffIndex } from './save-diff.ts';

/** A bare repository with two commits, as a quarantine is. */
function begin(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  gone: readonly string[] = [],
) {
  const folder = scratchFolder();
  const repository = makeRepository(join(folder, 'project'));
  const base = commitFiles(repository.folder, before);
  for (const name of gone) rmSync(join(repository.folder, name));
  const head = commitFiles(repository.folder, after);
  const quarantine = join(folder, 'quarantine.git');
  plainGit(folder, ['clone', '-q', '--bare', '--template=', repository.folder, quarantine]);
  const diffs = join(folder, 'diffs');
  const save = () => saveDiff(quarantine, diffs, 'project', 'main', base, head);
  /** The tree that the saved patch makes of the base. */
  const applied = () => {
    const clone = mkdtempSync(join(folder, 'applied-'));
    plainGit(folder, ['clone', '-q', repository.folder, clone]);
    plainGit(clone, ['reset', '-q', '--hard', base]);
    plainGit(clone, ['apply', '--index', '--allow-empty', join(diffs, 'project.patch')]);
    return plainGit(clone, ['write-tree']);
  };
  return { diffs, base, head, save, applied, tree: plainGit(repository.folder, ['rev-parse', `${head}^{tree}`]) };
}

test('the patch is the whole change: texts, bytes, renames, removals, odd names', async () => {
  const { save, applied, tree, diffs, base, head } = begin(
    { 'a.txt': 'one\ntwo\nthree\n', 'old name.txt': 'moved\n'.repeat(20), 'gone.txt': 'x\n', bytes: '\0\x01' },
    { 'a.txt': 'one\n2\nthree\n', 'new "name".txt': 'moved\n'.repeat(20), bytes: '\0\x02', 'ü/🙂': 'x' },
    ['old name.txt', 'gone.txt'],
  );
  const saved = await save();
  expect(applied()).toBe(tree);
  expect(saved).toEqual({
    name: 'project',
    branch: 'main',
    base_head: base,
    head,
    files: 5,
    insertions: 2,
    deletions: 2,
    flags: ['binary'],
    flagged: 1,
    patch: {
      file: 'project.patch',
      bytes: statSync(join(diffs, 'project.patch')).size,
      sha256: await sha256OfFile(join(diffs, 'project.patch')),
    },
    index: expect.objectContaining({ name: 'project', files_left_out: 0 }),
  });
});

test('the index names the patch, and its digest is of its bytes', async () => {
  const { save, diffs } = begin({}, { 'a.txt': 'x\n' });
  const saved = [await save()];
  expect(await saveDiffIndex(diffs, saved)).toBe(sha256(readFileSync(join(diffs, 'index.json'))));
  expect(readFileSync(join(diffs, 'index.json'), 'utf8')).toBe(
    canonicalJson({ version: 1, repositories: saved.map(({ index }) => index) }),
  );
});

test('two equal trees give an empty patch', async () => {
  const { save, diffs } = begin({ 'a.txt': 'x\n' }, {});
  expect(await save()).toMatchObject({ files: 0, insertions: 0, deletions: 0 });
  expect(statSync(join(diffs, 'project.patch')).size).toBe(0);
});

test('a huge file of empty lines is not compared line by line, and comes in all the same', async () => {
  const huge = '\n'.repeat(5 * 1024 * 1024);
  const { save, applied, tree, diffs } = begin(
    { 'removed [1].txt': huge },
    { 'big "*" ü.txt': huge, 'big x.txt': 'small\n' },
    ['removed [1].txt'],
  );
  const saved = await save();
  expect(statSync(join(diffs, 'project.patch')).size).toBeLessThan(200_000);
  expect(saved).toMatchObject({ files: 2, insertions: 1, deletions: 0 });
  expect(applied()).toBe(tree);
});
