import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inertJson, inertLine } from '@countersign/contracts/inert-text.ts';
import { expect, test } from 'vitest';
import { bundleHeader, forgedBundle, honestBundle, writeBlob, writeCommit, writeTree } from '../testing/bundle.ts';
import { hostOperations } from '../testing/host-operations.ts';
import { beginImport } from '../testing/import-ground.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';

type Ground = Awaited<ReturnType<typeof beginImport>>;

/** What becomes of a result that `work` makes in the sandbox. */
async function resultOf(work: (ground: Ground) => void, files: Readonly<Record<string, string>> = {}) {
  const ground = await beginImport({ 'x.txt': 'x\n', ...files });
  work(ground);
  return {
    ...ground,
    outcome: await hostOperations(ground.folder, 'project', honestBundle(ground.sandbox, ground.base)),
  };
}

/** What becomes of one commit whose tree, or which itself, is put together by hand. */
async function forgedResult(make: (ground: Ground) => string) {
  const ground = await beginImport({ 'x.txt': 'x\n' });
  const tip = make(ground);
  const bundle = forgedBundle(ground.sandbox, {
    header: bundleHeader(ground.base, tip),
    revisions: `${tip}\n^${ground.base}\n`,
  });
  return { ...ground, tip, outcome: await hostOperations(ground.folder, 'project', bundle) };
}

function patchOf(outcome: Awaited<ReturnType<typeof hostOperations>>): string {
  if (!outcome.ok) throw new Error(outcome.reason);
  return readFileSync(join(outcome.diffs, 'project.patch'), 'utf8');
}

test('S076 a bare repository in a result is files to us, and flagged; git in its folder would run it', async () => {
  const { folder, repository, outcome } = await resultOf(({ folder, sandbox }) => {
    const program = join(folder, 'program');
    writeFileSync(program, `#!/bin/sh\necho x >> '${join(folder, 'witness')}'\n`);
    chmodSync(program, 0o755);
    commitFiles(sandbox, {
      'vendored/HEAD': 'ref: refs/heads/main\n',
      'vendored/config': `[alias]\n\tplanted = !${program}\n`,
      'vendored/objects/x': '',
      'vendored/refs/x': '',
    });
  });
  expect(outcome).toMatchObject({ ok: true, diff: { flags: ['git-attributes'], flagged: 1 } });
  expect(existsSync(join(folder, 'witness'))).toBe(false);
  plainGit(repository.folder, ['reset', '-q', '--hard', 'refs/agentic/RUN-20261120-001/abcde']);
  plainGit(join(repository.folder, 'vendored'), ['planted']);
  expect(existsSync(join(folder, 'witness'))).toBe(true);
});

test.each(['* -diff', '* binary', '* -text', '* diff=planted', '*.txt export-ignore'])(
  'S077 attributes %j of a result hide no line of the patch, and are flagged',
  async (line) => {
    const { repository, outcome } = await resultOf(({ sandbox }) =>
      commitFiles(sandbox, { '.gitattributes': `${line}\n`, 'x.txt': 'x\nevil()\n' }),
    );
    expect(patchOf(outcome)).toContain('\n+evil()\n');
    expect(outcome).toMatchObject({ diff: { flags: ['git-attributes'] } });
    // In a checkout plain git would show no line.
    if (line.endsWith('-diff') || line.endsWith('binary')) {
      plainGit(repository.folder, ['reset', '-q', '--hard', 'refs/agentic/RUN-20261120-001/abcde']);
      expect(plainGit(repository.folder, ['diff', 'HEAD~1', 'HEAD'])).toContain('Binary files');
    }
  },
);

test('S077 line ends, ident and export-subst are shown as the bytes that they are', async () => {
  const { outcome } = await resultOf(({ sandbox, base }) => {
    const blob = (text: string) => writeBlob(sandbox, text);
    const entries = [
      ['100644', '.gitattributes', blob('* text=auto eol=lf ident export-subst working-tree-encoding=UTF-16\n')],
      ['100644', 'x.txt', blob('x\r\n$Id$ $Format:%H$\r\n')],
    ] as const;
    const commit = writeCommit(sandbox, writeTree(sandbox, entries), [base]);
    plainGit(sandbox, ['update-ref', 'refs/heads/agent', commit]);
  });
  expect(patchOf(outcome)).toContain('\n+x\r\n+$Id$ $Format:%H$\r\n');
});

test.each([
  ['an address that is an option', 'url = -u./payload', 'path = a'],
  ['an address that is a program, as an option', 'url = --upload-pack=touch', 'path = a'],
  ['a path that is an option', 'url = ./x', 'path = -u./payload'],
  ['a name that leaves its folder', 'url = ./x', 'path = a', '../../hooks'],
  ['a command', 'url = ./x', 'path = a\n\tupdate = !touch pwned'],
])('S077 .gitmodules with %s is refused', async (_name, url, path, name = 'a') => {
  const { outcome, repository } = await resultOf(({ sandbox }) =>
    commitFiles(sandbox, { '.gitmodules': `[submodule "${name}"]\n\t${url}\n\t${path}\n` }),
  );
  expect(outcome).toEqual({ ok: false, reason: expect.stringContaining('gitmodules') });
  expect(plainGit(repository.folder, ['for-each-ref', 'refs/agentic'])).toBe('');
});

test.each(['ext::sh -c "touch pwned"', 'file:///etc', '../../../x', 'https://host.invalid/x\\r'])(
  'S077 .gitmodules with the address %j is a flagged text, and nothing is fetched',
  async (url) => {
    const { outcome, folder } = await resultOf(({ sandbox }) =>
      commitFiles(sandbox, { '.gitmodules': `[submodule "a"]\n\turl = ${url}\n\tpath = "a\r"\n` }),
    );
    expect(outcome).toMatchObject({
      ok: true,
      diff: { flags: expect.arrayContaining(['git-attributes', 'submodule']) },
    });
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  },
);

test('S077 a .gitmodules that is a link is refused', async () => {
  const { outcome } = await forgedResult(({ sandbox, base }) => {
    const tree = writeTree(sandbox, [['120000', '.gitmodules', writeBlob(sandbox, 'x.txt')]]);
    return writeCommit(sandbox, tree, [base]);
  });
  expect(outcome).toEqual({ ok: false, reason: expect.stringMatching(/gitmodules/) });
});

test.each([
  ['as deep as a path may be long is taken', 449, { ok: true }],
  [
    'two thousand deep, which no checkout holds, is refused',
    2_000,
    { ok: false, reason: expect.stringMatching(/too long/) },
  ],
])(
  'S054 S079 a file in folders %s',
  async (_, depth, expected) => {
    const { outcome } = await forgedResult(({ sandbox, base }) => {
      const file = `M 100644 inline ${'d/'.repeat(depth)}x\ndata 1\nx\n`;
      plainGit(
        sandbox,
        ['fast-import', '--quiet'],
        `commit refs/heads/deep\ncommitter A <a@example.org> 1 +0000\ndata 0\n${file}`,
      );
      return writeCommit(sandbox, plainGit(sandbox, ['rev-parse', 'refs/heads/deep^{tree}']), [base]);
    });
    expect(outcome).toMatchObject(expected);
  },
  60_000,
);

test.each<[string, (ground: Ground) => string, RegExp]>([
  [
    'a mode with a zero before it',
    ({ sandbox, base }) => {
      const tree = writeTree(sandbox, [['0100644', 'x', writeBlob(sandbox, 'x')]]);
      return writeCommit(sandbox, tree, [base]);
    },
    /zero-?padded/i,
  ],
  [
    'no author',
    ({ sandbox, base }) => commitOf(sandbox, base, 'committer A <a@example.org> 1 +0000\n\nx\n'),
    /author/i,
  ],
  [
    'a time that is none',
    ({ sandbox, base }) =>
      commitOf(sandbox, base, `author A <a@example.org> 99999999999999999999 +0000\n${committer}x\n`),
    /date/i,
  ],
  [
    'a tree that is no tree',
    ({ sandbox, base }) =>
      literal(sandbox, `tree ${writeBlob(sandbox, 'x')}\nparent ${base}\n${author}${committer}x\n`),
    /./,
  ],
])('S079 a commit with %s is refused', async (_name, make, reason) => {
  const ground = await beginImport({ 'x.txt': 'x\n' });
  const tip = make(ground);
  const objects = [tip, ...treeOf(ground.sandbox, tip)];
  const bundle = forgedBundle(ground.sandbox, { header: bundleHeader(ground.base, tip), objects });
  const outcome = await hostOperations(ground.folder, 'project', bundle);
  expect(outcome).toEqual({ ok: false, reason: expect.stringMatching(reason) });
});

const author = 'author A <a@example.org> 1 +0000\n';
const committer = 'committer A <a@example.org> 1 +0000\n\n';

function literal(folder: string, text: string): string {
  return plainGit(folder, ['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], text);
}

function commitOf(folder: string, base: string, rest: string): string {
  return literal(
    folder,
    `tree ${writeTree(folder, [['100644', 'x', writeBlob(folder, 'x')]])}\nparent ${base}\n${rest}`,
  );
}

function treeOf(folder: string, commit: string): string[] {
  const tree = /^tree ([0-9a-f]+)/.exec(plainGit(folder, ['cat-file', 'commit', commit]))?.[1] ?? '';
  if (plainGit(folder, ['cat-file', '-t', tree]) !== 'tree') return [tree];
  return [
    tree,
    ...plainGit(folder, ['ls-tree', tree])
      .split('\n')
      .map((line) => line.split(/[ \t]/)[2] ?? ''),
  ];
}

const acting = ['\u001b[2J', '\u001b]52;c;eA==\u0007', '\u009b31m', '\r', '\b', '\u202e', '\u200b', '\u007f'];

test('S079 S084 what a commit says of itself stands nowhere in what is saved', async () => {
  const { outcome } = await resultOf(({ sandbox }) => {
    writeFileSync(join(sandbox, 'x.txt'), 'y\n');
    const name = `Approved-by ${acting.join('')}`.replaceAll(/[\r\n]/g, '');
    plainGit(sandbox, [
      ...['-c', `user.name=${name}`, '-c', 'user.email=a@example.org', '-c', 'i18n.commitEncoding=ISO-2022-JP'],
      ...['commit', '-q', '-a', '-m', `work\n\nApproved-by: operator\n${acting.join('')}`],
    ]);
  });
  if (!outcome.ok) throw new Error(outcome.reason);
  for (const name of ['index.json', 'project.patch']) {
    const text = readFileSync(join(outcome.diffs, name), 'utf8');
    expect(text).not.toContain('Approved-by');
    expect(acting.filter((character) => text.includes(character))).toEqual([]);
  }
});

test.each(acting)(
  'S084 %j in a name is refused in words that act on nothing, or is listed and flagged',
  async (text) => {
    const { outcome } = await forgedResult(({ sandbox, base }) => {
      const tree = writeTree(sandbox, [['100644', `a${text}b.ts`, writeBlob(sandbox, 'x\n')]]);
      return writeCommit(sandbox, tree, [base]);
    });
    if (!outcome.ok) {
      expect(outcome.reason).toContain('a');
      expect(inertLine(outcome.reason)).toBe(outcome.reason);
      return;
    }
    const file = outcome.diff.index.files.find(({ path }) => path === `a${text}b.ts`);
    expect(file?.flags).toHaveLength(1);
    const shown = inertJson(outcome.diff.index);
    expect(shown).not.toContain(text);
    expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(outcome.diff.index)));
  },
);

test('S084 git’s own words about a hostile name act on nothing once they are shown as all foreign text is', async () => {
  const { outcome } = await forgedResult(({ sandbox, base }) => {
    const blob = writeBlob(sandbox, 'x');
    const name = `a\u001b[2J\u202e`;
    return writeCommit(
      sandbox,
      writeTree(sandbox, [
        ['100644', name, blob],
        ['100644', name, blob],
      ]),
      [base],
    );
  });
  if (outcome.ok) throw new Error('a tree with one name twice was taken');
  expect(outcome.reason.length).toBeLessThan(1_100);
  expect(outcome.reason.split('\n').map(inertLine).join('')).not.toMatch(/\p{Cc}|\p{Cf}/u);
});
