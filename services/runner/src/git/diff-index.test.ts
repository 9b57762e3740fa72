import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DiffIndex } from '@countersign/contracts/diff-index.ts';
import { expect, test } from 'vitest';
import { commitFiles, makeRepository, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { saveDiff, saveDiffIndex } from './save-diff.ts';

/** The saved diff of what `change` does to a repository that holds `before`. */
async function diffOf(before: Readonly<Record<string, string | Buffer>>, change: (folder: string) => void) {
  const folder = scratchFolder();
  const repository = makeRepository(join(folder, 'project'));
  write(repository.folder, before);
  const base = commitFiles(repository.folder, {});
  change(repository.folder);
  const head = commitFiles(repository.folder, {});
  const quarantine = join(folder, 'quarantine.git');
  plainGit(folder, ['clone', '-q', '--bare', '--template=', repository.folder, quarantine]);
  const diffs = join(folder, 'diffs');
  const saved = await saveDiff(quarantine, diffs, 'project', 'main', base, head);
  await saveDiffIndex(diffs, [saved]);
  const text = readFileSync(join(diffs, 'index.json'), 'utf8');
  const repositoryDiff = DiffIndex.parse(JSON.parse(text)).repositories[0];
  if (repositoryDiff === undefined) throw new Error('an index without a repository');
  const flags = Object.fromEntries(repositoryDiff.files.map((file) => [file.path, file.flags]));
  return { ...repositoryDiff, saved, flagsOf: flags, text };
}

function write(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

const code = 'export const a = 1;\n'.repeat(20);

test.each<[string, Record<string, string | Buffer>, (folder: string) => void, Record<string, string[]>]>([
  [
    'bidirectional controls',
    { 'a.ts': code },
    (folder) => write(folder, { 'a.ts': `${code}// \u202e only admins\n` }),
    { 'a.ts': ['bidi-control'] },
  ],
  [
    'homoglyphs',
    { 'a.ts': code },
    (folder) => write(folder, { 'a.ts': `${code}import 'l\u043edash';\n` }),
    { 'a.ts': ['homoglyph'] },
  ],
  [
    'zero-width characters',
    { 'a.ts': code },
    (folder) => write(folder, { 'a.ts': `if (user === 'ad\u200bmin') {}\n${code}` }),
    { 'a.ts': ['invisible-character'] },
  ],
  [
    'a lock file of 5,000 lines',
    {},
    (folder) => write(folder, { 'package-lock.json': '"resolved": "x",\n'.repeat(5_000) }),
    { 'package-lock.json': ['large-change', 'lockfile'] },
  ],
  [
    'a minified bundle',
    {},
    (folder) => write(folder, { 'dist/a.min.js': 'a();'.repeat(20_000) }),
    { 'dist/a.min.js': ['long-line'] },
  ],
  [
    'a binary',
    { tool: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0]) },
    (folder) => write(folder, { tool: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]) }),
    { tool: ['binary'] },
  ],
  [
    'attributes that call a text binary',
    { 'a.ts': code },
    (folder) => write(folder, { '.gitattributes': '*.ts -text -diff binary\n', 'a.ts': `${code}evil\u202e();\n` }),
    { '.gitattributes': ['git-attributes'], 'a.ts': ['bidi-control'] },
  ],
  [
    'one change among many renames',
    Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`old/${index}.ts`, `${code}// ${index}\n`])),
    (folder) => {
      renameSync(join(folder, 'old'), join(folder, 'new'));
      write(folder, { 'new/30.ts': `${code}// 30\nevil();\n` });
    },
    { 'new/30.ts': ['renamed-and-changed'] },
  ],
  ['a mode alone', { 'a.sh': 'x\n' }, (folder) => chmodSync(join(folder, 'a.sh'), 0o755), { 'a.sh': ['mode-change'] }],
  [
    'a line of more than 10 kB',
    { 'a.ts': code },
    (folder) => write(folder, { 'a.ts': `${code}const table = '${'x'.repeat(10_240)}'; evil();\n` }),
    { 'a.ts': ['long-line'] },
  ],
  [
    'text that white space pushes off the screen',
    { 'a.ts': code },
    (folder) => write(folder, { 'a.ts': `${code}ok();${' '.repeat(400)}evil();\n` }),
    { 'a.ts': ['whitespace-gap'] },
  ],
  [
    'a carriage return that overwrites a line',
    { 'a.ts': code },
    (folder) => write(folder, { 'a.ts': `${code}evil(); //\rok();      \n` }),
    { 'a.ts': ['control-character'] },
  ],
])('S080 a diff that hides %s is flagged', async (_name, before, change, expected) => {
  const { flagsOf, flags, totals, saved } = await diffOf(before, change);
  const flagged = Object.fromEntries(Object.entries(flagsOf).filter(([, found]) => found.length > 0));
  expect(flagged).toEqual(expected);
  expect(flags).toEqual([...new Set(Object.values(expected).flat())].sort());
  expect(totals.flagged).toBe(Object.keys(expected).length);
  expect(saved).toMatchObject({ flags, flagged: totals.flagged });
});

test('an honest change has no flag', async () => {
  const { flags, totals } = await diffOf({ 'a.ts': code }, (folder) =>
    write(folder, { 'a.ts': `${code}export const b = 'Grüße 漢字 👍🏽';\r\n`, 'docs/b.md': '# b\n' }),
  );
  expect(flags).toEqual([]);
  expect(totals).toEqual({ files: 2, insertions: 2, deletions: 0, flagged: 0 });
});

test('what the base held already is not flagged, nor what is taken away', async () => {
  const lines = `a\u202eb\n${code}c\u200bd\n`;
  const { flagsOf } = await diffOf({ 'a.ts': lines, 'b.ts': lines }, (folder) => {
    write(folder, { 'a.ts': lines.replace('= 1', '= 2') });
    rmSync(join(folder, 'b.ts'));
  });
  expect(flagsOf).toEqual({ 'a.ts': [], 'b.ts': [] });
});

test('lines that look like git’s own are lines of the file', async () => {
  const forged = [
    'diff --git a/harmless.ts b/harmless.ts',
    'index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 100644',
    '--- a/harmless.ts',
    '+++ b/harmless.ts',
    '@@ -1,1 +1,1000000 @@',
    '-- x',
    '++ y',
    'GIT binary patch',
    '',
    '\\ No newline at end of file',
  ].join('\n');
  const { flagsOf, totals } = await diffOf({ 'a.txt': `${forged}\nold\n`, 'z.txt': 'x' }, (folder) =>
    write(folder, { 'a.txt': `${forged}\n${forged}\nnew\n`, 'z.txt': 'bidi \u202e' }),
  );
  expect(flagsOf).toEqual({ 'a.txt': [], 'z.txt': ['bidi-control'] });
  expect(totals.files).toBe(2);
});

test('each file is told with status, modes, objects and counts', async () => {
  const { files } = await diffOf(
    {
      'changed.txt': 'a\nb\n',
      'gone.txt': 'x\n',
      link: 'was a file\n',
      'old name.txt': 'moved\n'.repeat(30),
      'run.sh': 'x\n',
    },
    (folder) => {
      write(folder, { 'changed.txt': 'a\nc\nd\n', 'new "ü".txt': 'new\n', empty: '', data: Buffer.from([0, 1, 2]) });
      rmSync(join(folder, 'gone.txt'));
      rmSync(join(folder, 'link'));
      symlinkSync('changed.txt', join(folder, 'link'));
      renameSync(join(folder, 'old name.txt'), join(folder, 'moved.txt'));
      chmodSync(join(folder, 'run.sh'), 0o755);
    },
  );
  const told = files.map(({ path, old_path, status, old_mode, new_mode, insertions, deletions, bytes, flags }) =>
    [path, old_path, status, old_mode, new_mode, insertions, deletions, bytes, flags.join(' ')].join('|'),
  );
  expect(told).toEqual([
    'changed.txt||modified|100644|100644|2|1|6|',
    'data||added|000000|100644|||3|binary',
    'empty||added|000000|100644|0|0|0|',
    'gone.txt||deleted|100644|000000|0|1|0|',
    'link||type-changed|100644|120000|1|1|11|symlink',
    'moved.txt|old name.txt|renamed|100644|100644|0|0|180|',
    'new "ü".txt||added|000000|100644|1|0|4|',
    'run.sh||modified|100644|100755|0|0|2|mode-change',
  ]);
  expect(files.find(({ path }) => path === 'empty')).toMatchObject({
    new_oid: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
  });
  expect(files.find(({ path }) => path === 'gone.txt')).not.toHaveProperty('new_oid');
});

test('a submodule is flagged', async () => {
  const { flagsOf } = await diffOf({}, (folder) => {
    plainGit(folder, ['update-index', '--add', '--cacheinfo', `160000,${'2'.repeat(40)},module`]);
    mkdirSync(join(folder, 'module'));
  });
  expect(flagsOf).toEqual({ module: ['submodule'] });
});

test('a file whose lines the patch does not show is read whole', async () => {
  const hidden = `${'x = 1;\n'.repeat(700_000)}evil\u202e();${' '.repeat(200)}more();\n`;
  const { files, totals } = await diffOf({ 'was-binary': Buffer.from([0, 1]) }, (folder) =>
    write(folder, {
      'large.js': hidden,
      'same-again.js': hidden,
      'was-binary': 'now\u200btext\n',
      'noise.bin': Buffer.concat([Buffer.from([0]), Buffer.from('\u202e')]),
    }),
  );
  const flagged = ['bidi-control', 'binary', 'large-change', 'whitespace-gap'];
  expect(files.map(({ path, flags, insertions }) => [path, flags, insertions])).toEqual([
    ['large.js', flagged, null],
    ['noise.bin', ['binary'], null],
    ['same-again.js', flagged, null],
    ['was-binary', ['binary', 'invisible-character'], null],
  ]);
  expect(totals).toEqual({ files: 4, insertions: 0, deletions: 0, flagged: 4 });
}, 60_000);

test('names that hide something are flagged', async () => {
  const { flagsOf } = await diffOf({}, (folder) => write(folder, { 'a\u202egnp.ts': 'x\n', 'p\u0430y.ts': 'x\n' }));
  expect(flagsOf).toEqual({ 'a\u202egnp.ts': ['bidi-control'], 'p\u0430y.ts': ['homoglyph'] });
});

test('harmless files in thousands do not crowd out the one that matters, and are counted', async () => {
  const names = Array.from({ length: 6_000 }, (_, index) => `a/${String(index).padStart(5, '0')}.ts`);
  const { files, files_left_out, totals, flags } = await diffOf({}, (folder) =>
    write(folder, { ...Object.fromEntries(names.map((name) => [name, 'x\n'])), 'z/.npmrc': 'x\n' }),
  );
  expect(files).toHaveLength(5_000);
  expect(files.at(-1)).toMatchObject({ path: 'z/.npmrc', flags: ['build-file', 'package-script'] });
  expect(files_left_out).toBe(1_001);
  expect(totals).toMatchObject({ files: 6_001, insertions: 6_001, flagged: 1 });
  expect(flags).toEqual(['build-file', 'package-script']);
}, 60_000);

test('paths of any length leave the index small', async () => {
  const deep = Array.from({ length: 12 }, () => 'd'.repeat(200)).join('/');
  const { files, files_left_out, text } = await diffOf({}, (folder) =>
    write(folder, Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`${deep}/${index}.ts`, 'x\n']))),
  );
  expect(files[0]?.path).toHaveLength(1_024);
  expect(files[0]?.path.endsWith('…')).toBe(true);
  expect(files.length + files_left_out).toBe(3_000);
  expect(files_left_out).toBeGreaterThan(0);
  expect(text.length).toBeLessThan(2.2 * 1024 * 1024);
}, 60_000);
