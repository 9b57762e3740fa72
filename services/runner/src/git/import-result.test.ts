import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  bundleHeader,
  entriesWith,
  forgedBundle,
  honestBundle,
  writeBlob,
  writeCommit,
  writeTree,
} from '../testing/bundle.ts';
import { beginImport, type ImportGround } from '../testing/import-ground.ts';
import { checkoutPack, commitFiles, makeRepository, plainGit, plantPrograms } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { basePack } from './base-pack.ts';
import { adoptResult, quarantineResult } from './import-result.ts';
import { findBase, findRepository, measureCheckout, pinBase } from './repository.ts';
import { saveDiff } from './save-diff.ts';

const ref = 'refs/agentic/RUN-20261120-001/abcde';

/** A bundle of one commit on the base whose top folder has more entries. */
function bundleWith({ sandbox, base }: ImportGround, more: readonly (readonly [string, string, string])[]): string {
  const tree = writeTree(sandbox, entriesWith(sandbox, base, more));
  const tip = writeCommit(sandbox, tree, [base]);
  const blobs = more.filter(([mode]) => mode !== '160000').map(([, , oid]) => oid);
  return forgedBundle(sandbox, { header: bundleHeader(base, tip), objects: [...new Set([tip, tree, ...blobs])] });
}

/** Everything of a repository that the operator would notice: branches, index, files, configuration. */
function visible(folder: string) {
  const gitFolder = join(folder, '.git');
  return {
    head: readFileSync(join(gitFolder, 'HEAD')),
    index: readFileSync(join(gitFolder, 'index')),
    config: readFileSync(join(gitFolder, 'config')),
    main: readFileSync(join(gitFolder, 'refs/heads/main')),
    heads: readdirSync(join(gitFolder, 'refs/heads')),
    entries: readdirSync(gitFolder).sort(),
    files: readdirSync(folder).sort(),
    readme: readFileSync(join(folder, 'README.md')),
  };
}

test('S041 a result of several commits comes in under its ref, and nothing else of the repository changes', async () => {
  const ground = await beginImport();
  const { folder, repository, base, sandbox, take } = ground;
  commitFiles(sandbox, { 'README.md': 'hello\nworld\n' });
  const tip = commitFiles(sandbox, { 'src/more.ts': 'export const more = 1;\n', 'bin/a': '\0\x01' });
  writeFileSync(join(repository.folder, 'README.md'), 'the operator is writing\n');
  const before = visible(repository.folder);

  const quarantine = await take(honestBundle(sandbox, base));
  if (!quarantine.ok) throw new Error(quarantine.reason);
  expect(quarantine.tip).toBe(tip);
  const saved = await saveDiff(quarantine.folder, join(folder, 'diffs'), 'project', 'main', base, tip);
  await adoptResult(quarantine, repository, ref);
  await adoptResult(quarantine, repository, ref);

  expect(visible(repository.folder)).toEqual(before);
  expect(plainGit(repository.folder, ['rev-parse', ref])).toBe(tip);
  expect(plainGit(repository.folder, ['fsck', '--full', '--strict'])).toBe('');
  expect(saved).toMatchObject({ files: 3, insertions: 2, deletions: 0 });
  const patched = mkdtempSync(join(folder, 'patched-'));
  plainGit(folder, ['clone', '-q', repository.folder, patched]);
  plainGit(patched, ['apply', '--index', join(folder, 'diffs', 'project.patch')]);
  expect(plainGit(patched, ['write-tree'])).toBe(plainGit(sandbox, ['rev-parse', `${tip}^{tree}`]));
});

test('nothing that the repository’s configuration names is ever started', async () => {
  const { folder, repository, base, sandbox } = await beginImport();
  commitFiles(sandbox, { 'README.md': 'hello\nworld\n', '.gitattributes': '* diff=planted filter=planted\n' });
  const witness = join(folder, 'witness');
  plantPrograms(repository.folder, witness);
  const before = visible(repository.folder);

  const found = await findRepository(folder, 'project', process.getuid?.() ?? 0);
  expect(found).toMatchObject({ ok: true });
  expect(await findBase(repository, undefined)).toMatchObject({ ok: true });
  await measureCheckout(repository, base);
  await basePack(join(folder, 'other-cache'), repository, base);
  await pinBase(repository, 'RUN-20261120-001', 'abcde', base);
  // A missing object of a partial clone would be fetched, by a program that the configuration names.
  await expect(basePack(join(folder, 'other-cache'), repository, '1'.repeat(40))).rejects.toThrow('rev-list');
  const quarantine = await quarantineResult(join(folder, 'scratch'), honestBundle(sandbox, base), repository, base);
  if (!quarantine.ok) throw new Error(quarantine.reason);
  await saveDiff(quarantine.folder, join(folder, 'diffs'), 'project', 'main', base, quarantine.tip);
  await adoptResult(quarantine, repository, ref);

  expect(existsSync(witness)).toBe(false);
  expect(visible(repository.folder)).toEqual(before);
  expect(plainGit(sandbox, ['rev-parse', 'agent'])).toBe(quarantine.tip);
  // The trap itself works: plain git steps into it.
  plainGit(repository.folder, ['update-ref', 'refs/heads/trap', base]);
  expect(existsSync(witness)).toBe(true);
});

test.each<[string, (oid: string) => (readonly [string, string, string])[], RegExp]>([
  ['.git', (oid) => [['100644', '.git', oid]], /\.git/],
  ['.GIT', (oid) => [['100644', '.GIT', oid]], /\.git/i],
  ['git~1', (oid) => [['100644', 'git~1', oid]], /git/],
  ['.git with a zero-width joiner', (oid) => [['100644', '.g\u200dit', oid]], /git/],
  ['.git with a zero-width non-joiner', (oid) => [['100644', '.g\u200cit', oid]], /git/],
  ['.git with a zero-width space', (oid) => [['100644', '.gi\u200bt', oid]], /own folder/],
  ['.git in full-width letters', (oid) => [['100644', '.ｇit', oid]], /own folder/],
  ['.git with a stream', (oid) => [['100644', '.git::$INDEX_ALLOCATION', oid]], /git/],
  ['.git. ', (oid) => [['100644', '.git. ', oid]], /git/],
  ['..', (oid) => [['100644', '..', oid]], /\.\./],
  ['.', (oid) => [['100644', '.', oid]], /'\.'/],
  ['a slash in a name', (oid) => [['100644', 'a/../../x', oid]], /full pathnames|slash|fullPathname/i],
  ['an empty name', (oid) => [['100644', '', oid]], /empty/i],
  ['a name of 256 bytes', (oid) => [['100644', 'x'.repeat(256), oid]], /too long/],
  ['a name of 128 letters and 256 bytes', (oid) => [['100644', '\u00fc'.repeat(128), oid]], /too long/],
  ['an absolute name', (oid) => [['100644', '/abs', oid]], /full pathnames|slash|fullPathname/i],
  ['a slash at the end of a name', (oid) => [['100644', 'x/', oid]], /full pathnames|slash|fullPathname/i],
  ['a backslash', (oid) => [['100644', 'a\\..\\x', oid]], /backslash/],
  ['a drive of Windows', (oid) => [['100644', 'C:\\x', oid]], /backslash/],
  ['a device path of Windows', (oid) => [['100644', '\\\\?\\x', oid]], /backslash/],
  ['a control character', (oid) => [['100644', 'a\x1b[2J', oid]], /control/],
  ['a submodule', () => [['160000', 'vendor', '1'.repeat(40)]], /mode 160000/],
  [
    'two names that differ in case',
    (oid) => [
      ['100644', 'A.txt', oid],
      ['100644', 'a.txt', oid],
    ],
    /case/,
  ],
  [
    'two spellings of one letter',
    (oid) => [
      ['100644', 'cafe\u0301', oid],
      ['100644', 'caf\u00e9', oid],
    ],
    /case/,
  ],
  ['a name that differs in case from one of the base', (oid) => [['100644', 'readme.md', oid]], /case/],
  ['a file that differs in case from a folder of the base', (oid) => [['120000', 'SRC', oid]], /link|case/],
  [
    'the same name twice',
    (oid) => [
      ['100644', 'x', oid],
      ['100644', 'x', oid],
    ],
    /duplicate/i,
  ],
  [
    'a file and a link of one name',
    (oid) => [
      ['100644', 'x', oid],
      ['120000', 'x', oid],
    ],
    /duplicate/i,
  ],
  [
    'a letter that is two elsewhere',
    (oid) => [
      ['100644', 'stra\u00dfe', oid],
      ['100644', 'strasse', oid],
    ],
    /case/,
  ],
])('S060, S065: a tree with %s is refused', async (_name, entries, reason) => {
  const ground = await beginImport();
  const bundle = bundleWith(ground, entries(writeBlob(ground.sandbox, 'x')));
  const before = visible(ground.repository.folder);
  expect(await ground.take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  expect(visible(ground.repository.folder)).toEqual(before);
});

test('a name that is not UTF-8 is refused', async () => {
  const ground = await beginImport();
  const { sandbox, base } = ground;
  const oid = Buffer.from(writeBlob(sandbox, 'x'), 'hex');
  const raw = Buffer.concat([Buffer.from('100644 '), Buffer.from([0x78, 0xff, 0]), oid]);
  const tree = plainGit(sandbox, ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], raw);
  const tip = writeCommit(sandbox, tree, [base]);
  const bundle = forgedBundle(sandbox, { header: bundleHeader(base, tip), revisions: `${tip}\n^${base}\n` });
  expect(await ground.take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(/not UTF-8/) });
});

test.each([
  '/etc/passwd',
  '../outside',
  'src/../../outside',
  '.git/hooks',
  '.GIT',
  'src/../README.md',
  'C:\\x',
  '',
  'x'.repeat(5_000),
])('S061, S064: a link to %j is refused', async (target) => {
  const ground = await beginImport();
  const bundle = bundleWith(ground, [['120000', 'link', writeBlob(ground.sandbox, target)]]);
  expect(await ground.take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(/link "link"/) });
});

test.each(['README.md', './README.md', 'src', 'missing.txt', 'a..b', 'src/main.ts'])(
  'a link to %j is taken',
  async (target) => {
    const ground = await beginImport();
    const bundle = bundleWith(ground, [['120000', 'link', writeBlob(ground.sandbox, target)]]);
    expect(await ground.take(bundle)).toMatchObject({ ok: true });
  },
);

test('S062 many links are each read to their own end', async () => {
  const ground = await beginImport();
  const links = ['a', 'src/main.ts', 'src', '/etc/passwd'].map(
    (target, index) => ['120000', `link-${index}`, writeBlob(ground.sandbox, target)] as const,
  );
  expect(await ground.take(bundleWith(ground, links))).toEqual({
    ok: false,
    reason: expect.stringContaining('the link "link-3" points to "/etc/passwd"'),
  });
});

test('S060 a path that no file system holds is refused, and the longest that is taken is taken', async () => {
  const { sandbox, base, take } = await beginImport();
  const withPath = (path: string) => {
    const person = 'committer A <a@example.org> 1 +0000';
    const stream = `commit refs/heads/deep\n${person}\ndata 1\nx\nfrom ${base}\nM 100644 inline ${path}\ndata 1\nx\n`;
    plainGit(sandbox, ['fast-import', '--quiet', '--force'], stream);
    const tip = plainGit(sandbox, ['rev-parse', 'refs/heads/deep']);
    return forgedBundle(sandbox, { header: bundleHeader(base, tip), revisions: `${tip}\n^${base}\n` });
  };
  expect(await take(withPath(`${'d/'.repeat(1_800)}x`))).toEqual({
    ok: false,
    reason: expect.stringMatching(/too long/),
  });
  expect(await take(withPath(`${'d/'.repeat(450)}x`))).toEqual({
    ok: false,
    reason: expect.stringMatching(/too long/),
  });
  expect(await take(withPath(`${'d/'.repeat(449)}xy`))).toMatchObject({ ok: true });
});

test.each(['src', '/etc'])('S061 a link to %j and a folder of the same name are refused', async (target) => {
  const ground = await beginImport();
  const { sandbox, base } = ground;
  const link = writeBlob(sandbox, target);
  const through = writeTree(sandbox, [['100644', 'x', writeBlob(sandbox, 'x')]]);
  const tree = writeTree(
    sandbox,
    entriesWith(sandbox, base, [
      ['120000', 'out', link],
      ['40000', 'out', through],
    ]),
  );
  const tip = writeCommit(sandbox, tree, [base]);
  const objects = [tip, tree, link, through, writeBlob(sandbox, 'x')];
  expect(await ground.take(forgedBundle(sandbox, { header: bundleHeader(base, tip), objects }))).toEqual({
    ok: false,
    reason: expect.stringMatching(/duplicate/i),
  });
});

test.each([
  ['a pipe', '10644'],
  ['a character device', '20644'],
  ['a block device', '60644'],
  ['a socket', '140755'],
  ['a thing without a kind', '644'],
])('S066 %s is refused', async (_what, mode) => {
  const ground = await beginImport();
  const bundle = bundleWith(ground, [[mode, 'x', writeBlob(ground.sandbox, 'x')]]);
  expect(await ground.take(bundle)).toMatchObject({ ok: false });
});

test.each(['104755', '102755', '101777', '100777', '100666', '107777'])(
  'S066 of a file with mode %s nothing but who may execute it comes in',
  async (mode) => {
    const ground = await beginImport();
    const quarantine = await ground.take(bundleWith(ground, [[mode, 'x', writeBlob(ground.sandbox, 'x')]]));
    if (!quarantine.ok) return expect(quarantine.reason).toMatch(/mode/i);
    await adoptResult(quarantine, ground.repository, ref);
    const copy = join(ground.folder, 'copy');
    plainGit(ground.repository.folder, ['worktree', 'add', '-q', '--detach', copy, ref]);
    expect(lstatSync(join(copy, 'x')).mode & 0o7022).toBe(0);
  },
);

/** A commit without a change, of any time. */
function bundleOf({ sandbox, base }: ImportGround, time: string): string {
  const tree = plainGit(sandbox, ['rev-parse', `${base}^{tree}`]);
  const person = `A <a@example.org> ${time} +0000`;
  const raw = `tree ${tree}\nparent ${base}\nauthor ${person}\ncommitter ${person}\n\nx\n`;
  const tip = plainGit(sandbox, ['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], raw);
  return forgedBundle(sandbox, { header: bundleHeader(base, tip), objects: [tip] });
}

test.each(['18446744073709551616', '-1', '1e9'])('S066 a commit of the time %s is refused', async (time) => {
  const ground = await beginImport();
  const reason = expect.stringMatching(/date/i);
  expect(await ground.take(bundleOf(ground, time))).toEqual({ ok: false, reason });
});

test('S066 a commit of a time in thousands of millions of years gives no file its time', async () => {
  const ground = await beginImport();
  const quarantine = await ground.take(bundleOf(ground, '4611686018427387904'));
  if (!quarantine.ok) throw new Error(quarantine.reason);
  await adoptResult(quarantine, ground.repository, ref);
  const copy = join(ground.folder, 'copy');
  plainGit(ground.repository.folder, ['worktree', 'add', '-q', '--detach', copy, ref]);
  expect(lstatSync(join(copy, 'README.md')).mtimeMs).toBeLessThan(Date.now() + 60_000);
});

test('S061 what an earlier commit brings is refused even when a later one takes it back', async () => {
  const ground = await beginImport();
  const { sandbox, base } = ground;
  const link = writeBlob(sandbox, '/etc/passwd');
  const middle = writeCommit(sandbox, writeTree(sandbox, entriesWith(sandbox, base, [['120000', 'link', link]])), [
    base,
  ]);
  const tip = writeCommit(sandbox, plainGit(sandbox, ['rev-parse', `${base}^{tree}`]), [middle]);
  const bundle = forgedBundle(sandbox, { header: bundleHeader(base, tip), revisions: `${tip}\n^${base}\n` });
  expect(await ground.take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(/\/etc\/passwd/) });
});

test('names that clash in the base already do not stand in a task’s way', async () => {
  const { sandbox, base, take } = await beginImport({ Makefile: 'a\n', makefile: 'b\n' });
  commitFiles(sandbox, { makefile: 'changed\n', 'x.txt': 'x\n' });
  expect(await take(honestBundle(sandbox, base))).toMatchObject({ ok: true });
});

test('a path that is removed may have had any name', async () => {
  const ground = await beginImport({ 'a\\b': 'x\n' });
  const { sandbox, base, take } = ground;
  rmSync(join(sandbox, 'a\\b'));
  commitFiles(sandbox, {});
  expect(await take(honestBundle(sandbox, base))).toMatchObject({ ok: true });
});

test('a bundle on another commit is refused', async () => {
  const { sandbox, repository, take } = await beginImport();
  const tip = commitFiles(sandbox, { 'x.txt': 'x\n' });
  const bundle = forgedBundle(sandbox, { header: bundleHeader(repository.head, tip), revisions: `${tip}\n` });
  expect(await take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(/not based on the commit/) });
});

test('a result that does not descend from its base is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  const tip = writeCommit(sandbox, plainGit(sandbox, ['rev-parse', `${base}^{tree}`]), []);
  const bundle = forgedBundle(sandbox, { header: bundleHeader(base, tip), objects: [tip] });
  expect(await take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(/does not descend/) });
});

test.each(['tag', 'blob', 'tree'] as const)('a tip that is a %s is refused', async (kind) => {
  const { sandbox, base, take } = await beginImport();
  const commit = commitFiles(sandbox, { 'x.txt': 'x\n' });
  const tagger = 'tagger A <a@example.org> 1 +0000';
  const tips = {
    blob: () => writeBlob(sandbox, 'just bytes'),
    tree: () => plainGit(sandbox, ['rev-parse', `${commit}^{tree}`]),
    tag: () => plainGit(sandbox, ['mktag'], `object ${commit}\ntype commit\ntag v1\n${tagger}\n\nx\n`),
  };
  const tip = tips[kind]();
  const objects = [
    tip,
    ...plainGit(sandbox, ['rev-list', '--objects', '--no-object-names', `${base}..${commit}`]).split('\n'),
  ];
  const bundle = forgedBundle(sandbox, { header: bundleHeader(base, tip), objects: [...new Set(objects)] });
  expect(await take(bundle)).toEqual({ ok: false, reason: 'the result is no commit' });
});

test('a bundle of nothing but its base is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  const bundle = forgedBundle(sandbox, { header: bundleHeader(base, base), objects: [writeBlob(sandbox, 'x')] });
  expect(await take(bundle)).toEqual({ ok: false, reason: 'the result holds no commit of its own' });
});

test('a result with a missing object is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  const tip = commitFiles(sandbox, { 'x.txt': 'needed\n' });
  const blob = plainGit(sandbox, ['rev-parse', `${tip}:x.txt`]);
  const objects = plainGit(sandbox, ['rev-list', '--objects', '--no-object-names', `${base}..${tip}`]).split('\n');
  const bundle = forgedBundle(sandbox, {
    header: bundleHeader(base, tip),
    objects: objects.filter((oid) => oid !== blob),
  });
  expect(await take(bundle)).toMatchObject({ ok: false });
});

test('a tip that is not in the pack is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  const bundle = forgedBundle(sandbox, {
    header: bundleHeader(base, '1'.repeat(40)),
    objects: [writeBlob(sandbox, 'x')],
  });
  expect(await take(bundle)).toEqual({ ok: false, reason: 'the result is no commit' });
});

test.each([1, 21, 60])('a pack that lacks its last %i bytes is refused', async (cut) => {
  const { sandbox, base, take } = await beginImport();
  const tip = commitFiles(sandbox, { 'x.txt': 'x\n' });
  const bundle = forgedBundle(sandbox, { header: bundleHeader(base, tip), revisions: `${tip}\n^${base}\n`, cut });
  expect(await take(bundle)).toEqual({ ok: false, reason: expect.stringMatching(/index-pack failed/) });
});

test('a changed byte in the pack is refused', async () => {
  const { sandbox, base, take } = await beginImport();
  commitFiles(sandbox, { 'x.txt': 'x\n' });
  const path = honestBundle(sandbox, base);
  const bytes = readFileSync(path);
  const at = bytes.indexOf('\n\n') + 40;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  expect(await take(path)).toMatchObject({ ok: false });
});

test('S041 objects that no commit of the result names do not come in', async () => {
  const { sandbox, repository, base, take } = await beginImport();
  const tip = commitFiles(sandbox, { 'x.txt': 'x\n' });
  const stowaway = writeBlob(sandbox, 'nobody asked for this');
  const objects = plainGit(sandbox, ['rev-list', '--objects', '--no-object-names', `${base}..${tip}`]).split('\n');
  const quarantine = await take(
    forgedBundle(sandbox, { header: bundleHeader(base, tip), objects: [...objects, stowaway] }),
  );
  if (!quarantine.ok) throw new Error(quarantine.reason);
  await adoptResult(quarantine, repository, ref);
  expect(plainGit(repository.folder, ['rev-parse', ref])).toBe(tip);
  expect(() => plainGit(repository.folder, ['cat-file', '-e', stowaway])).toThrow();
});

test('a repository whose objects are borrowed or shallow takes a result as well', async () => {
  const folder = scratchFolder();
  const origin = makeRepository(join(folder, 'origin'));
  const base = commitFiles(origin.folder, { 'x.txt': 'x\n' });
  for (const [name, options] of [
    ['shared', ['--shared']],
    ['shallow', ['--depth', '1']],
  ] as const) {
    const clone = join(folder, name);
    plainGit(folder, ['clone', '-q', ...options, `file://${origin.folder}`, clone]);
    const repository = { name, path: name, folder: clone };
    const sandbox = checkoutPack(folder, (await basePack(join(folder, 'cache'), repository, base)).path, base);
    const tip = commitFiles(sandbox, { 'y.txt': 'y\n' });
    const quarantine = await quarantineResult(
      join(folder, `scratch-${name}`),
      honestBundle(sandbox, base),
      repository,
      base,
    );
    if (!quarantine.ok) throw new Error(`${name}: ${quarantine.reason}`);
    await adoptResult(quarantine, repository, ref);
    expect(plainGit(clone, ['rev-parse', ref])).toBe(tip);
    expect(plainGit(clone, ['fsck'])).toBe('');
  }
});

test('a scratch folder that a death left behind is no obstacle', async () => {
  const { sandbox, base, take } = await beginImport();
  commitFiles(sandbox, { 'x.txt': 'x\n' });
  const bundle = honestBundle(sandbox, base);
  expect(await take(bundle)).toMatchObject({ ok: true });
  expect(await take(bundle)).toMatchObject({ ok: true });
});
