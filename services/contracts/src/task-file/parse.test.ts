import { describe, expect, test } from 'vitest';
import { taskFileLimits } from '../limits.ts';
import { parseTaskFile } from './parse.ts';
import { type TaskHeader, taskKeys } from './schema.ts';

const parse = (text: string | Uint8Array) => parseTaskFile(typeof text === 'string' ? Buffer.from(text) : text);

function accepted(text: string | Uint8Array): { header: TaskHeader; body: string } {
  const outcome = parse(text);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome.file;
}

function problemsOf(text: string | Uint8Array) {
  const outcome = parse(text);
  if (outcome.ok) throw new Error(`accepted as ${JSON.stringify(outcome.file.header)}`);
  return outcome.problems;
}

const seed = 'workspace: mini-control-plane\naction: run\napproval_required: true\n';

describe('accepted', () => {
  const plain: [string, string | Uint8Array][] = [
    ['the plain lines', seed],
    ['without a final line feed', seed.trimEnd()],
    ['CRLF', seed.replaceAll('\n', '\r\n')],
    ['CR', seed.replaceAll('\n', '\r')],
    ['a byte order mark', `\uFEFF${seed}`],
    ['a byte order mark and CRLF', `\uFEFF${seed.replaceAll('\n', '\r\n')}`],
    ['blank lines first', `\n \n${seed}`],
    ['a comment among the keys', `# mine\n${seed}`],
    ['spaces around values', seed.replaceAll(': ', ':   ').replaceAll('\n', '  \n')],
    ['quoted keys', seed.replace('workspace', '"workspace"')],
    ['front matter', `---\n${seed}---\n`],
    ['front matter with trailing spaces on its fences', `---  \n${seed}--- \n`],
    ['front matter with CRLF', `---\n${seed}---\n`.replaceAll('\n', '\r\n')],
    ['front matter after a byte order mark', `\uFEFF---\n${seed}---\n`],
    ['a flow mapping', '{workspace: mini-control-plane, action: run, approval_required: true}\n'],
    ['True', seed.replace('true', 'True')],
    ['TRUE', seed.replace('true', 'TRUE')],
  ];
  test.each(plain)('%s', (_name, text) => {
    const { header, body } = accepted(text);
    expect(header).toMatchObject({
      workspace: 'mini-control-plane',
      action: 'run',
      approval_required: true,
      stage: 'dev',
    });
    expect(body).toBe('');
  });

  const bodies: [string, string, string][] = [
    ['after a blank line', 'workspace: a\n\nDo it.\n', 'Do it.'],
    ['after front matter', '---\nworkspace: a\n---\nDo it.\n', 'Do it.'],
    ['after front matter and a blank line', '---\nworkspace: a\n---\n\nDo it.\n', 'Do it.'],
    ['with a rule in it', '---\nworkspace: a\n---\nOne\n\n---\n\nTwo\n', 'One\n\n---\n\nTwo'],
    ['with words and a colon', 'workspace: a\n\nNote: do it.\n', 'Note: do it.'],
    ['with its keys in a fence', 'workspace: a\n\n```\nstage: prod\n```\n', '```\nstage: prod\n```'],
    ['with its keys indented as code', 'workspace: a\n\ntext\n\n    stage: prod\n', 'text\n\n    stage: prod'],
    [
      'that says something about a stage',
      'workspace: a\n\nStage: the second of the rocket\n',
      'Stage: the second of the rocket',
    ],
  ];
  test.each(bodies)('a body %s', (_name, text, body) => {
    const file = accepted(text);
    expect(file.body).toBe(body);
    expect(file.header).toMatchObject({ workspace: 'a', stage: 'dev', approval_required: false });
  });

  test('every key at once', () => {
    const { header } = accepted(
      [
        'workspace: a',
        'action: plan',
        'stage: staging',
        'id: my-task',
        'task: T0147',
        'title: "A: title"',
        'tool: agent',
        'base_branch: feature/x',
        'repos: [one, two]',
        'run: RUN-20261120-001',
        'depends_on: [abcde]',
        'priority: -5',
        'timeout_sec: 60',
        'budget: {tokens: 5, requests: 2}',
        'safe_mode: false',
        'preconditions: [make]',
        'postconditions: ["test -f x"]',
        'on_success: merge',
        'approval_required: false',
      ].join('\n'),
    );
    expect(Object.keys(header).sort()).toEqual([...taskKeys].sort());
    expect(header.priority).toBe(-5);
  });
});

/** name, text, line of the first problem, what the message holds */
const refused: [string, string | Uint8Array, number, string][] = [
  // Not a text, or none that says anything.
  ['nothing', '', 1, 'empty'],
  ['white space', ' \n\n', 1, 'workspace: <name>'],
  ['a byte order mark alone', '\uFEFF', 1, 'workspace: <name>'],
  ['a comment alone', '# hello\n', 1, 'workspace: <name>'],
  ['a heading before the keys', '# Task\n\nworkspace: a\n', 1, 'Allowed keys: workspace, action, stage'],
  ['prose', 'Please do it\n', 1, 'workspace: <name>'],
  ['a list', '- workspace\n', 1, 'workspace: <name>'],
  ['empty front matter', '---\n---\n', 2, 'workspace: <name>'],
  ['front matter that is not closed', '\n---\nworkspace: a\n', 2, 'no line --- ends it'],
  ['an ELF header', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0]), 1, 'UTF-8'],
  ['UTF-16 LE', Buffer.from('\uFEFFworkspace: a', 'utf16le'), 1, 'UTF-8'],
  ['Latin-1', Buffer.from('workspace: caf\xe9', 'latin1'), 1, 'UTF-8'],
  ['a NUL', 'workspace: a\nstage: d\0ev\n', 2, 'NUL'],
  ['an escape', 'workspace: a\n\nclear \u001b[2J', 3, 'U+001B'],
  ['10 MB', Buffer.alloc(10_000_000, 'workspace: a\n'), 1, `at most ${taskFileLimits.fileBytes}`],
  ['one byte too many', Buffer.alloc(taskFileLimits.fileBytes + 1, 'a'), 1, `at most ${taskFileLimits.fileBytes}`],

  // YAML that is more than keys and values.
  ['S059 an alias bomb', 'workspace: a\nx: &a [l,l]\ny: &b [*a,*a]\nz: [*b,*b]\n', 2, 'anchors'],
  ['an alias', 'workspace: a\ntitle: *a\n', 2, 'lias'],
  ['an anchor', 'workspace: &a b\n', 1, 'anchors'],
  ['an anchor on the whole', '&a\nworkspace: b\n', 2, 'anchors'],
  ['a merge key', 'workspace: a\n<<: {approval_required: false}\n', 2, 'unknown key "<<"'],
  ['a tag of one’s own', 'workspace: !mine a\n', 1, 'tag'],
  ['a directive', '%YAML 1.1\n---\nworkspace: a\napproval_required: no\n', 1, 'directives'],
  ['a second document', 'workspace: a\n---\napproval_required: true\n', 2, 'document'],
  ['a document end', 'workspace: a\n...\napproval_required: true\n', 3, ''],
  ['a tab for indentation', 'workspace: a\nbudget:\n\ttokens: 1\n', 3, ''],
  ['a key twice', 'workspace: a\nstage: prod\nstage: dev\n', 3, 'already on line 2'],
  [
    'a key twice, once quoted',
    'workspace: a\napproval_required: true\n"approval_required": false\n',
    3,
    'already on line 2',
  ],
  ['a key twice, far down', `workspace: a\n${'# x\n'.repeat(50)}workspace: b\n`, 52, 'already on line 1'],
  ['a key twice in budget', 'workspace: a\nbudget:\n  tokens: 1\n  tokens: 2\n', 4, '"tokens"'],
  ['a quote that is not closed', 'workspace: "a\nstage: dev\n', 2, 'quote'],
  ['a bracket that is not closed', 'workspace: a\nrepos: [a\n', 2, ''],
  ['S059 nesting without end', `workspace: a\ntitle: ${'['.repeat(100_000)}\n`, 1, 'nested too deeply'],
  [
    'S059 nesting with an end',
    `workspace: a\ntitle: ${'['.repeat(5_000)}${']'.repeat(5_000)}\n`,
    1,
    'nested too deeply',
  ],
  ['a full-width colon', 'workspace: a\napproval_required： true\n', 2, ''],
  ['no space after the colon', 'workspace:a\n', 1, 'a space after the colon'],

  // Keys.
  ['an unknown key', 'workspace: a\nstagee: prod\n', 2, 'allowed: workspace, action, stage, approval_required'],
  ['an unknown key in front matter', '---\nworkspace: a\n\nstagee: prod\n---\n', 4, 'unknown key "stagee"'],
  ['an unknown key after CRLF', 'workspace: a\r\nstage: dev\r\nstagee: prod\r\n', 3, 'unknown key "stagee"'],
  ['a key in capitals', 'Workspace: a\n', 1, 'workspace'],
  ['approval-required', 'workspace: a\napproval-required: true\n', 2, 'unknown key "approval-required"'],
  ['approvalRequired', 'workspace: a\napprovalRequired: true\n', 2, 'unknown key'],
  ['approval required', 'workspace: a\napproval required: true\n', 2, 'unknown key'],
  ['a key with a zero-width space', 'workspace: a\nstage\u200b: prod\n', 2, 'unknown key'],
  ['a key with a Cyrillic letter', 'workspace: a\nst\u0430ge: prod\n', 2, 'unknown key'],
  ['__proto__', 'workspace: a\n__proto__: {approval_required: true}\n', 2, 'unknown key "__proto__"'],
  ['constructor', 'workspace: a\nconstructor: x\n', 2, 'unknown key "constructor"'],
  ['a key that is a list', 'workspace: a\n? [x]\n: y\n', 2, 'a key is a word'],
  [
    'an unknown key in budget',
    'workspace: a\nbudget:\n  tokens: 5\n  money: 5\n',
    4,
    'in budget; allowed: tokens, requests',
  ],
  ['no workspace', 'action: run\n', 1, 'workspace: this key is needed'],
  ['an image', 'workspace: a\nimage: evil\n', 2, 'unknown key "image"'],

  // approval_required: nothing but true and false is either.
  ...[
    '"false"',
    "'true'",
    'no',
    'yes',
    'off',
    'on',
    'y',
    'n',
    '0',
    '1',
    'tRue',
    'fALSE',
    'null',
    '~',
    '',
    '[true]',
    '{a: true}',
    'true false',
    'ｔrue',
    '!!str true',
  ].map((value): [string, string, number, string] => [
    `approval_required: ${value}`,
    `workspace: a\napproval_required: ${value}\n`,
    2,
    'true or false',
  ]),
  ...['"true"', 'no', '1'].map((value): [string, string, number, string] => [
    `safe_mode: ${value}`,
    `workspace: a\nsafe_mode: ${value}\n`,
    2,
    'true or false',
  ]),

  // A gate asked for where it would not be seen.
  ['approval in the body', 'workspace: a\n\napproval_required: true\n', 3, 'no effect'],
  ['approval in the body, other spelling', 'workspace: a\n\ntext\nApproval Required: yes\n', 4, 'no effect'],
  ['approval in the body, full-width colon', 'workspace: a\n\napproval_required：true\n', 3, 'no effect'],
  ['a stage in the body', 'workspace: a\n\nstage: prod\n', 3, 'no effect'],
  ['a stage below front matter', '---\nworkspace: a\n---\n\nstage: prod\n', 5, 'no effect'],
  ['front matter twice', '---\nworkspace: a\n---\n---\napproval_required: true\n---\n', 5, 'no effect'],

  // Values.
  ['a workspace that climbs', 'workspace: ../x\n', 1, 'A-Z, a-z'],
  ['a workspace with ..', 'workspace: a..b\n', 1, 'not a usable folder name'],
  ['a hidden workspace', 'workspace: .git\n', 1, 'not starting with - or .'],
  ['a workspace like an option', 'workspace: -rf\n', 1, 'not starting with - or .'],
  ['a workspace with a slash', 'workspace: a/b\n', 1, 'A-Z, a-z'],
  ['an absolute workspace', 'workspace: /etc\n', 1, 'A-Z, a-z'],
  ['a workspace of 65 characters', `workspace: ${'a'.repeat(65)}\n`, 1, '1 to 64'],
  ['a workspace that is a list', 'workspace: [a]\n', 1, 'string'],
  ['a workspace that is a number', 'workspace: 5\n', 1, 'put it in quotes'],
  ['an empty workspace', 'workspace:\n', 1, 'string'],
  ['an unknown action', 'workspace: a\naction: deploy\n', 2, '"run"|"plan"'],
  ['an action in capitals', 'workspace: a\naction: RUN\n', 2, '"run"|"plan"'],
  ['an empty action', 'workspace: a\naction:\n', 2, '"run"|"plan"'],
  ['a stage that is a list', 'workspace: a\nstage: [dev]\n', 2, 'string'],
  ['an empty stage', 'workspace: a\nstage:\n', 2, 'string'],
  ['an unknown on_success', 'workspace: a\non_success: push\n', 2, '"review"|"merge"'],
  ['an unknown priority', 'workspace: a\npriority: urgent\n', 2, 'low, normal, high, or a whole number'],
  ['a priority out of range', 'workspace: a\npriority: 101\n', 2, '<=100'],
  ['a broken priority', 'workspace: a\npriority: 1.5\n', 2, 'whole number'],
  ['no time at all', 'workspace: a\ntimeout_sec: 0\n', 2, '>=1'],
  ['a negative time', 'workspace: a\ntimeout_sec: -1\n', 2, '>=1'],
  ['too much time', 'workspace: a\ntimeout_sec: 86401\n', 2, '<=86400'],
  ['endless time', 'workspace: a\ntimeout_sec: .inf\n', 2, 'number'],
  ['time in words', 'workspace: a\ntimeout_sec: 5m\n', 2, 'number'],
  ['a budget of nothing', 'workspace: a\nbudget: {tokens: 0}\n', 2, '>0'],
  ['a budget that is a number', 'workspace: a\nbudget: 5\n', 2, 'object'],
  ['an id with a slash', 'workspace: a\nid: a/b\n', 2, '2 to 32 of a-z'],
  ['an id in capitals', 'workspace: a\nid: Abc\n', 2, '2 to 32 of a-z'],
  ['an id of one character', 'workspace: a\nid: a\n', 2, '2 to 32 of a-z'],
  ['an id that is a number', 'workspace: a\nid: 12345\n', 2, 'put it in quotes'],
  ['a run in another format', 'workspace: a\nrun: 2026-11-20\n', 2, 'RUN-YYYYMMDD-NNN'],
  ['a run that climbs', 'workspace: a\nrun: RUN-20261120-001/../x\n', 2, 'RUN-YYYYMMDD-NNN'],
  ['a branch like an option', 'workspace: a\nbase_branch: --upload-pack=x\n', 2, 'a branch is'],
  ['a branch with ..', 'workspace: a\nbase_branch: a..b\n', 2, 'git accepts'],
  ['a branch that ends in .lock', 'workspace: a\nbase_branch: a.lock\n', 2, 'git accepts'],
  ['repositories that are no list', 'workspace: a\nrepos: x\n', 2, 'array'],
  ['a repository that climbs', 'workspace: a\nrepos:\n  - ok\n  - ../x\n', 4, 'A-Z, a-z'],
  ['17 repositories', `workspace: a\nrepos: [${'r,'.repeat(17)}]\n`, 2, '<=16'],
  ['a dependency that is no id', 'workspace: a\ndepends_on: [A]\n', 2, 'task id'],
  ['conditions that are no list', 'workspace: a\npreconditions: make\n', 2, 'array'],
  ['an empty condition', 'workspace: a\npostconditions:\n  - ""\n', 3, '>=1'],
  ['a title of 201 characters', `workspace: a\ntitle: ${'x'.repeat(201)}\n`, 2, '<=200'],
  ['prose right after the keys', 'workspace: a\nplease do it\n', 2, 'a blank line ends the keys'],
];

describe('refused', () => {
  test('the corpus is as large as it is meant to be', () => {
    expect(refused.length).toBeGreaterThan(110);
  });

  test.each(refused)('%s', (_name, text, line, message) => {
    const [first] = [...problemsOf(text)].sort((a, b) => a.line - b.line);
    expect(first?.line).toBe(line);
    expect(first?.message).toContain(message);
    expect(first?.message).not.toBe('');
  });

  test.each(['}', ']', '[}', ',', '"', '&a ', '!a ', '? ', '- '])(
    'S059 a file of the largest size that is nothing but %j is refused in no long time',
    (piece) => {
      const start = 'workspace: a\ntitle: [x\n';
      const text = start + piece.repeat((taskFileLimits.fileBytes - start.length) / piece.length);
      const before = process.threadCpuUsage();
      expect(problemsOf(text)).not.toEqual([]);
      const { user, system } = process.threadCpuUsage(before);
      expect((user + system) / 1_000_000).toBeLessThan(6);
    },
    120_000,
  );

  test('all problems are told together', () => {
    const problems = problemsOf('workspace: ..\naction: x\nfoo: 1\nbar: 2\n');
    expect(new Set(problems.map(({ line }) => line))).toEqual(new Set([1, 2, 3, 4]));
  });

  test('a file of nothing but mistakes is refused with a list that a person can read, and without delay', () => {
    const keys = Array.from({ length: 30_000 }, (_, index) => `k${index}:`).join('\n');
    expect(problemsOf(keys).length).toBe(taskFileLimits.problems);
    expect(problemsOf('a:\n'.repeat(80_000)).length).toBe(taskFileLimits.problems);
  });
});

test('A05 no text lowers or hides a gate: whatever mentions approval is either refused or raises it', () => {
  const spellings = [
    'approval_required: true',
    'approval_required: "true"',
    '"approval_required": true',
    'approval_required : true',
    'APPROVAL_REQUIRED: true',
  ];
  const places = [
    (line: string) => `workspace: a\n${line}\n`,
    (line: string) => `${line}\nworkspace: a\n`,
    (line: string) => `workspace: a\n\n${line}\n`,
    (line: string) => `---\nworkspace: a\n---\n${line}\n`,
    (line: string) => `---\nworkspace: a\n${line}\n---\ntext\n`,
    (line: string) => `workspace: a\r\n${line}\r\n`,
    (line: string) => `workspace: a\r${line}\r`,
    (line: string) => `workspace: a\n \t\n${line}\n`,
    (line: string) => `workspace: a\n---\n${line}\n`,
    (line: string) => `workspace: a # x\n${line} # y\n`,
    (line: string) => `workspace: a\n  ${line}\n`,
    (line: string) => `workspace: a\u0085${line}\n`,
    (line: string) => `workspace: a\u2028${line}\n`,
  ];
  const outcomes = spellings.flatMap((line) => places.map((place) => parse(place(line))));
  expect(outcomes.filter((outcome) => outcome.ok && !outcome.file.header.approval_required)).toEqual([]);
});
