import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRefusal } from '@countersign/contracts/refused-file.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { eventsOf, filesIn, makeHome, openContext } from '../testing/home.ts';
import { makeNamedPipe } from '../testing/named-pipe.ts';
import { plainGit } from '../testing/repository.ts';
import { Intake } from './intake.ts';
import { FileObserver } from './observe.ts';

const good = 'workspace: project\nstage: dev\n\nsay hello\n';

async function begin(move?: typeof rename) {
  const home = makeHome();
  const context = await openContext(home);
  const intake = new Intake(context, new FileObserver(0), move);
  const inbox = home.layout.queue('inbox');
  const invalid = home.layout.queue('outbox/invalid');
  const drop = (name: string, content: string | Buffer = good) => writeFileSync(join(inbox, name), content);
  const refusal = (name: string) => {
    const text = readFileSync(join(invalid, `${name}.error.txt`), 'utf8');
    return { text, ...parseRefusal(text) };
  };
  return { home, layout: home.layout, context, intake, inbox, invalid, drop, refusal };
}

test('a dropped file becomes a task of its workspace’s run of the day', async () => {
  const { layout, context, intake, inbox, drop } = await begin();
  drop('x.md');
  expect(await intake.scan()).toBe(false);
  const [record, ...others] = [...context.tasks.all()];
  expect(others).toEqual([]);
  expect(record).toMatchObject({
    file: 'x.md',
    dropped_as: 'x.md',
    workspace: 'project',
    stage: 'dev',
    gate: false,
    tool: 'agent',
    title: 'say hello',
    timeout_sec: 600,
    run: 'RUN-20261120-001',
    task_file: sha256(good),
    state: { status: 'queued' },
  });
  expect(record?.id).toMatch(/^[a-hjkmnp-z2-9]{5}$/);
  const folder = layout.task('RUN-20261120-001', record?.id ?? '');
  expect(readFileSync(join(folder, 'task.md'), 'utf8')).toBe(good);
  expect(JSON.parse(readFileSync(join(folder, 'task.json'), 'utf8'))).toEqual(record);
  expect(eventsOf(layout.runJournal('RUN-20261120-001')).map((event) => event.event)).toEqual([
    'run_created',
    'task_accepted',
  ]);
  expect(readdirSync(inbox)).toContain('x.md');
});

test('the journal says how long each stage of a file’s way took', async () => {
  const { layout, context, drop } = await begin();
  let now = 0;
  const intake = new Intake(context, new FileObserver(2_000, () => now));
  drop('x.md');
  await intake.scan();
  now = 2_500;
  await intake.scan();
  const accepted = eventsOf(layout.runJournal('RUN-20261120-001')).find(({ event }) => event === 'task_accepted');
  const stages = accepted?.data?.['stages_ms'] as Record<string, number>;
  expect(Object.keys(stages)).toEqual(['settled', 'checked', 'copied']);
  expect(stages['settled']).toBe(2_500);
  for (const name of ['checked', 'copied']) expect(stages[name]).toBeGreaterThan(0);
});

test('a budget is part of the record', async () => {
  const { context, intake, drop } = await begin();
  drop('x.md', 'workspace: project\nbudget: {tokens: 5000, output_mb: 2}\n\nsay hello\n');
  await intake.scan();
  expect([...context.tasks.all()].map(({ budget }) => budget)).toEqual([
    { tokens: 5_000, requests: null, output_bytes: 2 * 1024 * 1024, disk_bytes: null },
  ]);
});

test('a file is taken once', async () => {
  const { context, intake, drop } = await begin();
  drop('x.md');
  await intake.scan();
  await intake.scan();
  expect([...context.tasks.all()]).toHaveLength(1);
});

test('F30 a file that still changes is looked at again, and no half of it has an effect', async () => {
  const { context, drop } = await begin();
  let now = 0;
  const intake = new Intake(context, new FileObserver(2_000, () => now));
  drop('x.md', 'workspace: proj');
  expect(await intake.scan()).toBe(true);
  now += 1_000;
  drop('x.md', good);
  expect(await intake.scan()).toBe(true);
  now += 1_500;
  expect(await intake.scan()).toBe(true);
  expect([...context.tasks.all()]).toEqual([]);
  now += 500;
  expect(await intake.scan()).toBe(false);
  expect([...context.tasks.all()]).toHaveLength(1);
});

test('F31 what a producer that died left half-way is refused when it has stood still, and says why', async () => {
  const { context, layout, drop } = await begin();
  let now = 0;
  const intake = new Intake(context, new FileObserver(2_000, () => now));
  drop('x.md', 'workspace: project\npostconditions: ["test -f hel');
  await intake.scan();
  expect(filesIn(layout, 'inbox')).toEqual(['x.md']);
  now += 2_500;
  await intake.scan();
  expect(filesIn(layout, 'inbox')).toEqual([]);
  expect(filesIn(layout, 'outbox/invalid')).toEqual(['x.md', 'x.md.error.txt']);
  expect([...context.tasks.all()]).toEqual([]);
});

test('F35 whatever the watcher tells, again and again or never: each file is one task', async () => {
  const { context, intake, drop } = await begin();
  const names = Array.from({ length: 40 }, (_, index) => `f${String(index).padStart(2, '0')}.md`);
  for (const [index, name] of names.entries()) {
    drop(name);
    for (let told = 0; told < index % 4; told += 1) await intake.scan();
  }
  await intake.scan();
  expect([...context.tasks.all()].map(({ dropped_as }) => dropped_as).sort()).toEqual(names);
});

test.each([
  ['dev', '', false],
  ['dev', 'approval_required: true\n', true],
  ['staging', '', true],
  ['staging', 'approval_required: false\n', true],
  ['prod', '', true],
])('A05 stage %s with %j has its gate: %s', async (stage, line, gate) => {
  const { context, intake, drop } = await begin();
  drop('x.md', `workspace: project\nstage: ${stage}\n${line}\nhello\n`);
  await intake.scan();
  expect([...context.tasks.all()]).toMatchObject([{ stage, gate }]);
});

test('CRLF and a byte order mark are accepted, and front matter too', async () => {
  const { context, intake, drop } = await begin();
  drop('crlf.md', '\ufeffworkspace: project\r\nstage: staging\r\n\r\nhello\r\n');
  drop('front.md', '---\nworkspace: project\ntitle: "A title"\n---\nhello\n');
  await intake.scan();
  expect([...context.tasks.all()].map((record) => [record.file, record.stage, record.title]).sort()).toEqual([
    ['crlf.md', 'staging', 'hello'],
    ['front.md', 'dev', 'A title'],
  ]);
});

test.each<[string, string | Buffer, number, RegExp]>([
  ['an unknown key', 'workspace: project\nstgae: prod\n\nx\n', 2, /unknown key "stgae"; allowed: workspace, /],
  [
    'an unknown stage',
    'workspace: project\nstage: live\n\nx\n',
    2,
    /unknown stage "live"; allowed: dev, staging, prod/,
  ],
  ['an unknown workspace', 'stage: dev\nworkspace: other\n\nx\n', 2, /unknown workspace "other"; allowed: project/],
  ['a workspace that climbs', 'workspace: ../project\n\nx\n', 1, /workspace/],
  ['an unknown tool', 'workspace: project\ntool: vi\n\nx\n', 2, /unknown tool "vi"; allowed: agent/],
  ['an interactive tool', 'workspace: project\ntool: shell\n\nx\n', 2, /allowed: agent/],
  ['an unknown action', 'workspace: project\naction: destroy\n\nx\n', 2, /run.*plan/],
  ['an unknown run', 'workspace: project\nrun: RUN-20200101-001\n\nx\n', 2, /no run RUN-20200101-001/],
  ['a branch that does not exist', 'workspace: project\nbase_branch: v9\n\nx\n', 2, /branch v9/],
  ['a branch that is an option', 'workspace: project\nbase_branch: --all\n\nx\n', 2, /base_branch/],
  [
    'a task that would wait for itself',
    'workspace: project\nid: first\ndepends_on: [other, first]\n\nx\n',
    3,
    /first waits for first: none of them could ever begin/,
  ],
  ['a durable task that nobody wrote', 'workspace: project\ntask: T0147\n\nx\n', 2, /T0147/],
  [
    'a repository that is not there',
    'workspace: project\nrepos: [web]\n\nx\n',
    2,
    /is one repository and has no "web"/,
  ],
  ['a memory task that is none', 'workspace: project\ntask: "147"\n\nx\n', 2, /such as T0147/],
  ['nothing in it', '', 1, /empty/],
  ['nothing but blanks', '\n\n  \n', 1, /workspace/],
  ['bytes that are no text', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe]), 1, /not a text file/],
  ['a NUL', 'workspace: project\nstage: d\0ev\n\nx\n', 2, /NUL/],
  ['10 MB', Buffer.alloc(10_000_000, 'x'), 1, /10000000 bytes/],
  ['an alias bomb', `a: &a [x,x]\nb: &b [*a,*a]\nworkspace: project\n\nx\n`, 1, /aliases|anchors/],
  ['a key twice', 'workspace: project\nstage: prod\nstage: dev\n\nx\n', 3, /second time; it is already on line 2/],
  ['a gate in its text', 'workspace: project\n\napproval_required: true\n', 3, /no effect/],
  ['no objective', 'workspace: project\n', 1, /no body.*execution-plan\.md: does not exist/],
])('F37 a file with %s goes to outbox/invalid with its line', async (_name, content, line, message) => {
  const { layout, context, intake, invalid, drop, refusal } = await begin();
  drop('x.md', content);
  await intake.scan();
  expect([...context.tasks.all()]).toEqual([]);
  expect(filesIn(layout, 'inbox')).toEqual([]);
  // Not by `toEqual`, which takes seconds for 10 MB.
  expect(readFileSync(join(invalid, 'x.md')).equals(Buffer.from(content))).toBe(true);
  const { problems, text } = refusal('x.md');
  expect(text).toMatch(/^x\.md: not accepted\n/);
  expect(problems?.find((problem) => problem.line === line)?.message).toMatch(message);
  expect(eventsOf(layout.ownJournal)).toMatchObject([
    { event: 'file_refused', status: 'invalid', data: { file: 'x.md' } },
  ]);
});

test('every problem of a file is told at once', async () => {
  const { intake, drop, refusal } = await begin();
  drop('x.md', 'workspace: other\nstage: live\ntool: vi\n\nx\n');
  await intake.scan();
  expect(refusal('x.md').problems?.map((problem) => problem.line)).toEqual([1, 2, 3]);
});

test.each<[string, (path: string) => void, RegExp]>([
  ['a folder', (path) => mkdirSync(join(path, 'deep'), { recursive: true }), /a folder/],
  ['a named pipe', (path) => makeNamedPipe(path), /a named pipe/],
  ['a link to a task file', (path) => symlinkSync('/etc/hostname', path), /a symbolic link/],
  ['a dangling link', (path) => symlinkSync('nowhere', path), /a symbolic link/],
])('F37 %s named x.md is moved aside unopened', async (_name, make, message) => {
  const { layout, intake, inbox, drop, refusal } = await begin();
  make(join(inbox, 'x.md'));
  drop('y.md');
  await intake.scan();
  expect(filesIn(layout, 'inbox')).toEqual(['y.md']);
  expect(filesIn(layout, 'outbox/invalid')).toEqual(['x.md', 'x.md.error.txt']);
  expect(refusal('x.md').text).toMatch(message);
});

test('a link is not followed when it is moved', async () => {
  const { inbox, intake, invalid, home } = await begin();
  writeFileSync(join(home.home, 'precious.md'), good);
  symlinkSync(join(home.home, 'precious.md'), join(inbox, 'x.md'));
  await intake.scan();
  expect(readFileSync(join(home.home, 'precious.md'), 'utf8')).toBe(good);
  expect(existsSync(join(invalid, 'x.md'))).toBe(true);
});

test.each([
  'a "quoted" \'name\'.md',
  'two\nlines.md',
  'a..b.md',
  'x..md',
  '🙂.md',
  '-rf.md',
  `${'a'.repeat(252)}.md`,
  `${'🙂'.repeat(63)}.md`,
  '$(id).md',
  'a\\b.md',
  'X.MD',
])('F36 a good file named %j is a task', async (name) => {
  const { context, intake, drop } = await begin();
  drop(name);
  await intake.scan();
  expect([...context.tasks.all()]).toMatchObject([{ file: name, state: { status: 'queued' } }]);
});

test.each([
  'a "quoted" \'name\'.md',
  'two\nlines.md',
  'a..b.md',
  '🙂.md',
  `${'a'.repeat(252)}.md`,
  `${'🙂'.repeat(63)}.md`,
])('F36 a bad file named %j is kept with its reason beside it', async (name) => {
  const { layout, intake, drop, invalid } = await begin();
  drop(name, 'stage: dev\n\nx\n');
  await intake.scan();
  const [file = '', text = ''] = filesIn(layout, 'outbox/invalid').sort((a, b) => a.length - b.length);
  expect(text).toBe(`${file}.error.txt`);
  expect(readFileSync(join(invalid, file), 'utf8')).toBe('stage: dev\n\nx\n');
  expect(readFileSync(join(invalid, text), 'utf8').split('\n')).toHaveLength(5);
});

test('two long names that differ only at their ends do not share a reason', async () => {
  const { layout, intake, drop } = await begin();
  drop(`${'a'.repeat(251)}1.md`, 'stage: dev\n\nx\n');
  drop(`${'a'.repeat(251)}2.md`, 'stage: dev\n\nx\n');
  await intake.scan();
  expect(filesIn(layout, 'outbox/invalid')).toHaveLength(4);
});

test('F36 a name that is not UTF-8 is refused, and its bytes are kept', async () => {
  const { layout, intake, inbox, invalid } = await begin();
  writeFileSync(Buffer.concat([Buffer.from(`${inbox}/caf`), Buffer.from([0xe9]), Buffer.from('.md')]), good);
  await intake.scan();
  expect(filesIn(layout, 'inbox')).toEqual([]);
  expect(readFileSync(join(invalid, 'caf_.md'), 'utf8')).toBe(good);
  expect(readFileSync(join(invalid, 'caf_.md.error.txt'), 'utf8')).toContain('not UTF-8');
});

test('F38 the same bad name dropped twice is kept twice', async () => {
  const { layout, intake, drop, invalid } = await begin();
  drop('x.md', 'stage: dev\n');
  await intake.scan();
  drop('x.md', 'stage: prod\n');
  await intake.scan();
  const files = filesIn(layout, 'outbox/invalid').filter((name) => !name.endsWith('.error.txt'));
  expect(files).toHaveLength(2);
  expect(files.map((name) => readFileSync(join(invalid, name), 'utf8')).sort()).toEqual([
    'stage: dev\n',
    'stage: prod\n',
  ]);
  for (const name of files) expect(existsSync(join(invalid, `${name}.error.txt`))).toBe(true);
});

test('F38 the same good name dropped again, when the first is under way, is a task of its own', async () => {
  const { context, intake, inbox, drop } = await begin();
  drop('x.md');
  await intake.scan();
  const [first] = [...context.tasks.all()];
  await context.tasks.transition(
    first?.id ?? '',
    { status: 'planning', since: '2026-11-20T10:00:00.000Z', reason: 'x', attempt: 1, slot: null },
    { event: 'planning_started', phase: 'plan', agent_role: 'planner', summary: 'x' },
  );
  expect(existsSync(join(inbox, 'x.md'))).toBe(false);
  drop('x.md', 'workspace: project\n\nanother\n');
  await intake.scan();
  expect([...context.tasks.all()].map((record) => [record.title, record.file]).sort()).toEqual([
    ['another', 'x.md'],
    ['say hello', 'x.md'],
  ]);
});

test.each(['.x.md', 'x.md~', 'x.md.tmp', '.submitted-abc', 'notes.txt', '~x.md'])(
  'F32 %s is left alone',
  async (name) => {
    const { layout, context, intake, drop } = await begin();
    drop(name);
    await intake.scan();
    expect([...context.tasks.all()]).toEqual([]);
    expect(filesIn(layout, 'inbox')).toEqual([name]);
  },
);

test('A15 an operator’s own id is taken once', async () => {
  const { context, intake, drop, refusal } = await begin();
  drop('a.md', 'workspace: project\nid: mine\n\nx\n');
  await intake.scan();
  drop('b.md', 'workspace: project\nid: mine\n\nx\n');
  await intake.scan();
  expect([...context.tasks.all()].map((record) => record.id)).toEqual(['mine']);
  expect(refusal('b.md').problems).toEqual([{ line: 2, message: 'id: there is a task mine already' }]);
});

test('another user’s workspace is refused with the command that mends it', async () => {
  const { context, drop, refusal } = await begin();
  const other = new Intake({ ...context, userId: context.userId + 7 }, new FileObserver(0));
  drop('x.md');
  await other.scan();
  expect(refusal('x.md').text).toMatch(/belongs to user \d+.*sudo chown -R/);
});

test('a workspace without a commit is refused', async () => {
  const { layout, intake, drop, refusal } = await begin();
  mkdirSync(join(layout.workspaces, 'new'));
  plainGit(join(layout.workspaces, 'new'), ['init', '-q', '-b', 'main']);
  drop('x.md', 'workspace: new\n\nx\n');
  await intake.scan();
  expect(refusal('x.md').text).toMatch(/has no commit yet/);
});

test('without a body the workspace’s own plan is the objective, unless it is a link', async () => {
  const { layout, context, intake, drop, refusal } = await begin();
  const specs = join(layout.workspaces, 'project/.project/specs');
  mkdirSync(specs, { recursive: true });
  writeFileSync(join(specs, 'execution-plan.md'), '# Objective\nbuild it\n');
  drop('a.md', 'workspace: project\n');
  await intake.scan();
  expect([...context.tasks.all()]).toMatchObject([{ file: 'a.md', title: 'a.md' }]);
  rmSync(join(specs, 'execution-plan.md'));
  symlinkSync('/etc/passwd', join(specs, 'execution-plan.md'));
  drop('b.md', 'workspace: project\n');
  await intake.scan();
  expect(refusal('b.md').text).toMatch(/symbolic link/);
});

test('a file that vanishes while it is looked at leaves nothing behind', async () => {
  const { layout, context, drop, inbox } = await begin();
  class Vanishing extends FileObserver {
    override async observe(path: string | Buffer) {
      const seen = await super.observe(path);
      rmSync(join(inbox, 'x.md'), { force: true });
      return seen;
    }
  }
  drop('x.md');
  await new Intake(context, new Vanishing(0)).scan();
  expect([...context.tasks.all()]).toEqual([]);
  expect(filesIn(layout, 'outbox/invalid')).toEqual([]);
});

test('many files at once all become tasks', async () => {
  const { context, intake, drop } = await begin();
  for (let count = 0; count < 30; count += 1) drop(`task-${count}.md`);
  await intake.scan();
  const records = [...context.tasks.all()];
  expect(new Set(records.map((record) => record.id)).size).toBe(30);
  expect(new Set(records.map((record) => record.run)).size).toBe(1);
});

/** Moves only when it is told that the machine can. */
function failingMove(code: string) {
  const machine = { works: false };
  const move: typeof rename = async (from, to) => {
    if (!machine.works) throw Object.assign(new Error(code), { code });
    await rename(from, to);
  };
  return { machine, move };
}

test.each(['EROFS', 'EIO', 'ENOSPC'])(
  'F21 F22 a refused file that %s keeps from being moved is moved as soon as that has passed, and refused once',
  async (code) => {
    const { machine, move } = failingMove(code);
    const { layout, context, intake, drop, refusal } = await begin(move);
    drop('wrong.md', 'workspace: nowhere\n\nx\n');
    for (let turn = 0; turn < 3; turn += 1) await intake.scan();
    expect(filesIn(layout, 'inbox')).toEqual(['wrong.md']);
    machine.works = true;
    await intake.scan();
    expect(filesIn(layout, 'inbox')).toEqual([]);
    expect(filesIn(layout, 'outbox/invalid')).toEqual(['wrong.md', 'wrong.md.error.txt']);
    expect(refusal('wrong.md').text).toContain('nowhere');
    await context.close();
    expect(eventsOf(layout.ownJournal).filter(({ event }) => event === 'file_refused')).toHaveLength(1);
  },
);

test('F22 what was put in the place of a refused file that could not be moved is looked at anew', async () => {
  const { machine, move } = failingMove('EROFS');
  const { layout, context, intake, drop } = await begin(move);
  drop('wrong.md', 'workspace: nowhere\n\nx\n');
  await intake.scan();
  drop('wrong.md', good);
  machine.works = true;
  await intake.scan();
  expect([...context.tasks.all()].map(({ file }) => file)).toEqual(['wrong.md']);
  expect(filesIn(layout, 'outbox/invalid')).toEqual(['wrong.md.error.txt']);
});

test('a refused file that nobody lets go of stays, holds up nobody, and is not refused again', async () => {
  const { move } = failingMove('EPERM');
  const { layout, context, intake, drop } = await begin(move);
  drop('wrong.md', 'workspace: nowhere\n\nx\n');
  drop('x.md');
  for (let turn = 0; turn < 3; turn += 1) await intake.scan();
  expect([...context.tasks.all()].map(({ file }) => file)).toEqual(['x.md']);
  expect(filesIn(layout, 'inbox')).toContain('wrong.md');
  await context.close();
  expect(eventsOf(layout.ownJournal).filter(({ event }) => event === 'file_refused')).toHaveLength(1);
});
