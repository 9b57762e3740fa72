import { createHash } from 'node:crypto';
import type { DiffFile, DiffFlag, DiffIndex } from '@countersign/contracts/diff-index.ts';

/** A SHA-256 of a text, in hexadecimal. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

type Changed = {
  readonly path: string;
  readonly flags: readonly DiffFlag[];
  readonly lines: readonly string[];
  readonly added?: true;
};

const changed: Readonly<Record<string, readonly Changed[]>> = {
  shop: [
    {
      path: 'src/session/store.ts',
      flags: [],
      lines: [
        ' import { DatabaseSync } from "node:sqlite";',
        '-const sessions = new Map<string, Session>();',
        '+const database = new DatabaseSync(path);',
        '+database.exec("PRAGMA journal_mode = WAL");',
        ' ',
        ' export function find(id: string): Session | null {',
        '-  return sessions.get(id) ?? null;',
        '+\treturn read(database.prepare("SELECT * FROM sessions WHERE id = ?").get(id));',
        ' }',
      ],
    },
    {
      path: '.github/workflows/release.yml',
      flags: ['ci'],
      lines: ['   steps:', '-      - run: npm test', '+      - run: npm test && ./scripts/release'],
    },
    {
      path: 'package-lock.json',
      flags: ['large-change', 'lockfile'],
      lines: Array.from({ length: 900 }, (_, at) => `+      "integrity-${at}": "sha512"`),
    },
    {
      path: 'src/<img src=x onerror=alert(7)>.ts',
      flags: ['bidi-control', 'homoglyph', 'invisible-character'],
      lines: [
        '+if (role !== "admin\u202e \u2066// check\u2069 \u2066") {',
        '+  gr\u0430nt(); // \u200b',
        '+  <script>alert(8)</script>',
      ],
      added: true,
    },
    {
      path: `src/${'very-long-name-'.repeat(8)}.ts`,
      flags: ['long-line'],
      lines: [`+const text = "${'long '.repeat(120)}";`],
      added: true,
    },
  ],
  'shop-web': [
    {
      path: 'package.json',
      flags: ['package-script'],
      lines: ['   "scripts": {', '+    "postinstall": "node ./setup.js",', '     "build": "vite build"'],
    },
    {
      path: 'src/app.tsx',
      flags: [],
      lines: [' export function App() {', '-  return <Old />;', '+  return <New />;', ' }'],
    },
  ],
  infrastructure: [
    { path: 'Makefile', flags: ['build-file', 'hook'], lines: [' all:', '-\tmake test', '+\tmake test deploy'] },
  ],
};

const count = (lines: readonly string[], sign: string) => lines.filter((line) => line.startsWith(sign)).length;

/** A diff of three repositories, with many flags. */
export function diffIndex(): DiffIndex {
  return {
    version: 1,
    repositories: Object.entries(changed).map(([name, files]) => ({
      name,
      branch: 'main',
      base_head: digestOf(`${name} base`).slice(0, 40),
      head: digestOf(`${name} head`).slice(0, 40),
      patch: { file: `${name}.patch`, bytes: patchOf(name).length, sha256: digestOf(patchOf(name)) },
      totals: {
        files: files.length,
        insertions: files.reduce((sum, { lines }) => sum + count(lines, '+'), 0),
        deletions: files.reduce((sum, { lines }) => sum + count(lines, '-'), 0),
        flagged: files.filter(({ flags }) => flags.length > 0).length,
      },
      flags: [...new Set(files.flatMap(({ flags }) => flags))].toSorted(),
      files: files.map(fileOf),
      files_left_out: 0,
    })),
  };
}

function fileOf({ path, flags, lines, added }: Changed): DiffFile {
  return {
    path,
    status: added ? 'added' : 'modified',
    old_mode: added ? '000000' : '100644',
    new_mode: '100644',
    insertions: count(lines, '+'),
    deletions: count(lines, '-'),
    bytes: 4_000,
    flags: [...flags],
  };
}

/** The patch of one of its repositories, as git writes it. */
export function patchOf(repository: string): string {
  return (changed[repository] ?? [])
    .map(({ path, lines, added }) => {
      const before = lines.length - count(lines, '+');
      const after = lines.length - count(lines, '-');
      const head = added
        ? ['new file mode 100644', 'index 0000000..2222222', '--- /dev/null', `+++ b/${path}`]
        : ['index 1111111..2222222 100644', `--- a/${path}`, `+++ b/${path}`];
      return [
        `diff --git a/${path} b/${path}`,
        ...head,
        `@@ -${added ? 0 : 10},${before} +${added ? 1 : 10},${after} @@`,
        ...lines,
        '',
      ].join('\n');
    })
    .join('');
}
