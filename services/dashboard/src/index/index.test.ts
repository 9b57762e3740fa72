import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';
import { running, since } from '../testing/records.ts';
import type { Told } from './feed.ts';
import { IndexRebuilding } from './index.ts';
import { schemaVersion } from './schema.ts';

const queued: TaskState = { status: 'queued', since, reason: '', wait: null };
const task = (id: string, state: TaskState = queued, change: Partial<TaskRecord> = {}) =>
  makeRecord(state, { id, ...change });

test('what the journals say is there, also of several runs, and what is appended comes by itself', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  await ground.says('task_accepted', task('two', queued, { run: 'RUN-20261121-001' }));
  const { index, queries } = await ground.open();
  const ids = async () => (await queries.tasks({ limit: 50 })).tasks.map(({ task: id }) => id);
  expect((await ids()).sort()).toEqual(['one', 'two']);
  const before = index.position;
  await ground.says('task_started', task('one', running));
  await ground.says('task_accepted', task('three', queued, { run: 'RUN-20261122-001' }));
  await until(ids, (found) => found.length === 3);
  // Another journal's: which of the two is read first is open.
  await until(
    async () => (await queries.tasks({ limit: 50, status: ['running'] })).tasks.map(({ task: id }) => id),
    (found) => found.join() === 'one',
  );
  expect(Number(index.position)).toBeGreaterThan(Number(before));
});

test('a last line that is not whole yet is waited for, and bytes that are no event hide nothing', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  await ground.says('task_accepted', task('two'));
  await ground.closeJournals();
  const path = ground.journalPath('RUN-20261120-001');
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 20));
  const { index, queries } = await ground.open();
  expect((await queries.tasks({ limit: 50 })).total).toBe(1);
  appendFileSync(path, bytes.subarray(bytes.length - 20));
  await until(
    () => queries.tasks({ limit: 50 }),
    ({ total }) => total === 2,
  );
  appendFileSync(path, `no event\n{"ts":1}\n${'x'.repeat(3_000_000)}\n`);
  await until(
    () => index.standing,
    ({ badLines }) => badLines >= 3,
  );
  const third = JSON.stringify({
    ts: since,
    seq: 3,
    prev: '0'.repeat(64),
    phase: 'queue',
    agent_role: 'runner',
    run_id: 'RUN-20261120-001',
    task_id: 'three',
    event: 'task_accepted',
    summary: '',
    data: { record: task('three') },
  });
  appendFileSync(path, `${third}\n`);
  await until(
    () => queries.tasks({ limit: 50 }),
    ({ total }) => total === 3,
  );
});

test('a journal that was cut, or is another one, is read anew, and one that is gone is forgotten', async () => {
  const ground = new DashboardGround();
  for (const id of ['one', 'two', 'three']) await ground.says('task_accepted', task(id));
  await ground.says('task_accepted', task('other', queued, { run: 'RUN-20261121-001' }));
  await ground.closeJournals();
  const { index, queries } = await ground.open();
  const path = ground.journalPath('RUN-20261120-001');
  const lines = readFileSync(path, 'utf8').split('\n');
  const told: Told[] = [];
  index.subscribe({ after: index.position, tasks: [], services: [] }, (one) => told.push(one));
  truncateSync(path, Buffer.byteLength(`${lines[0]}\n${lines[1]}\n`));
  await until(
    () => queries.tasks({ limit: 50 }),
    ({ total }) => total === 3,
  );
  await until(
    () => told,
    (all) => all.some(({ kind }) => kind === 'reset'),
  );
  // As long as before, and the last line is another one.
  writeFileSync(path, `${lines[0]}\n${lines[1]?.replaceAll('two', 'owt')}\n`);
  const found = await until(
    () => queries.tasks({ limit: 50 }),
    ({ tasks }) => tasks.some(({ task: id }) => id === 'owt'),
  );
  expect(found.tasks.map(({ task: id }) => id).sort()).toEqual(['one', 'other', 'owt']);
  rmSync(join(ground.volumes, 'runs/RUN-20261121-001'), { recursive: true });
  await until(
    () => queries.tasks({ limit: 50 }),
    ({ total }) => total === 2,
  );
  await expect(queries.task('other')).rejects.toMatchObject({ code: 'not_found' });
});

test('after a restart it goes on where it was, and what came meanwhile is there', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const first = await ground.open();
  const position = first.index.position;
  await ground.close();
  const inode = statSync(ground.indexPath).ino;
  await ground.says('task_started', task('one', running));
  const again = await ground.open();
  expect(statSync(ground.indexPath).ino).toBe(inode);
  expect((await again.queries.tasks({ limit: 50 })).tasks[0]?.status).toBe('running');
  const told: Told[] = [];
  again.index.subscribe({ after: position, tasks: [], services: [] }, (one) => told.push(one));
  const [batch] = await until(
    () => told,
    (all) => all.length > 0,
  );
  expect(batch).toMatchObject({ kind: 'batch', batch: { tasks: [{ task: 'one', status: 'running' }] } });
});

test.each([
  ['removed', (path: string) => rmSync(path)],
  ['written over', (path: string) => writeFileSync(path, 'x'.repeat(100_000))],
  ['written over in its middle', (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size, 0xa5))],
  ['cut to nothing', (path: string) => truncateSync(path, 0)],
  [
    'of another version',
    (path: string) => {
      rmSync(path);
      writeFileSync(path, 'SQLite format 3\0 and then nothing of it');
    },
  ],
])(
  'F24 F25 an index that is %s while it is used is made anew; meanwhile it says so, and nothing is lost',
  async (_, spoil) => {
    const ground = new DashboardGround();
    await ground.says('task_accepted', task('one'));
    const { index, queries } = await ground.open();
    const told: Told[] = [];
    index.subscribe({ after: index.position, tasks: [], services: [] }, (one) => told.push(one));
    spoil(ground.indexPath);
    await until(
      () => ground.warnings,
      (warnings) => warnings.includes('the index is made anew'),
    );
    const answers = await until(
      () => queries.tasks({ limit: 50 }),
      ({ total }) => total === 1,
    );
    expect(answers.tasks[0]?.task).toBe('one');
    await until(
      () => told,
      (all) => all.some(({ kind }) => kind === 'reset'),
    );
    await ground.says('task_started', task('one', running));
    await until(
      () => queries.tasks({ limit: 50 }),
      ({ tasks }) => tasks[0]?.status === 'running',
    );
  },
);

test('a question that meets a damaged index is told that it is being made anew, by name', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const { index, queries } = await ground.open();
  expect(() => index.ask((database) => database.get('SELECT * FROM nothing'))).toThrow(IndexRebuilding);
  await expect(queries.now()).rejects.toMatchObject({ code: 'index_rebuilding' });
  expect(index.standing.isReady).toBe(false);
  expect(
    (
      await until(
        () => queries.now(),
        () => true,
      )
    ).waiting.map(({ task: id }) => id),
  ).toEqual(['one']);
});

test('a damaged record in the index is found when it is read', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const { index, queries } = await ground.open();
  index.ask((database) => database.run(`UPDATE records SET record = '{"id":'`));
  await expect(queries.tasks({ limit: 50 })).rejects.toMatchObject({ code: 'index_rebuilding' });
  expect(
    (
      await until(
        () => queries.tasks({ limit: 50 }),
        () => true,
      )
    ).total,
  ).toBe(1);
});

test('a disk that is full is said, and the index is made as soon as there is room', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const { index, queries } = await ground.open();
  index.ask((database) => database.exec('PRAGMA max_page_count = 1'));
  for (let number = 0; number < 300; number += 1) void ground.says('task_accepted', task(`t-${number}`));
  await until(
    () => ground.warnings,
    (warnings) => warnings.includes('the index is made anew'),
  );
  await until(
    () => queries.tasks({ limit: 1 }),
    ({ total }) => total === 301,
  );
});

test.each([
  ['of an older version', (path: string) => withDatabase(path, (database) => setVersion(database, schemaVersion - 1))],
  ['of a newer version', (path: string) => withDatabase(path, (database) => setVersion(database, schemaVersion + 1))],
  ['without its first bytes', (path: string) => writeFileSync(path, readFileSync(path).fill(0, 0, 16))],
  ['cut in the middle', (path: string) => truncateSync(path, statSync(path).size / 2)],
  [
    'gone, but for what was written beside it',
    (path: string) => {
      rmSync(path);
      writeFileSync(`${path}-wal`, 'x'.repeat(10_000));
      writeFileSync(`${path}-shm`, 'x'.repeat(32_768));
    },
  ],
])('F25 an index that is %s is made anew at the start', async (_, spoil) => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const first = (await ground.open()).index.ask((database) => database.number('base'));
  await ground.close();
  spoil(ground.indexPath);
  const { index, queries } = await ground.open();
  expect((await queries.tasks({ limit: 50 })).total).toBe(1);
  expect(index.ask((database) => database.number('base'))).not.toBe(first);
});

test('F25 an index that somebody else has locked is made anew beside theirs', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const first = (await ground.open()).index.ask((database) => database.number('base'));
  await ground.close();
  using other = new DatabaseSync(ground.indexPath);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const { index, queries } = await ground.open();
  expect((await queries.tasks({ limit: 50 })).total).toBe(1);
  expect(index.ask((database) => database.number('base'))).not.toBe(first);
});

function withDatabase(path: string, change: (database: DatabaseSync) => void): void {
  using database = new DatabaseSync(path);
  change(database);
}

function setVersion(database: DatabaseSync, version: number): void {
  const { changes } = database.prepare("UPDATE meta SET value = ? WHERE key = 'version'").run(version);
  expect(changes).toBe(1);
}

test('a folder that no file can be made in is said, and tried again until it can', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  writeFileSync(join(ground.indexPath, '../..', 'index'), 'a file where the folder is to be');
  const opening = ground.open();
  await until(
    () => ground.warnings,
    (warnings) => warnings.length >= 2,
  );
  rmSync(join(ground.indexPath, '..'));
  const { queries } = await opening;
  expect((await queries.tasks({ limit: 50 })).total).toBe(1);
});

test('streams hear what changed since their position, each task once, and only what they follow', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const { index } = await ground.open();
  const [heard, late]: [Told[], Told[]] = [[], []];
  const position = index.position;
  const stop = index.subscribe({ after: position, tasks: [], services: [] }, (one) => heard.push(one));
  index.subscribe({ after: '1', tasks: [], services: [] }, (one) => late.push(one));
  await ground.says('task_accepted', task('two'));
  await ground.says('task_waiting', task('two', { ...queued, reason: 'slot' }));
  await until(
    () => heard,
    (all) =>
      all.some(
        (one) =>
          one.kind === 'batch' && one.batch.tasks.some(({ task: id, reason }) => id === 'two' && reason === 'slot'),
      ),
  );
  expect(late[0]?.kind).toBe('reset');
  const last = heard.at(-1)?.position ?? '';
  expect(Number(last)).toBeGreaterThan(Number(position));
  stop();
  const resumed: Told[] = [];
  index.subscribe({ after: last, tasks: [], services: [] }, (one) => resumed.push(one));
  const before = heard.length;
  await ground.says('task_started', task('two', running));
  const [first] = await until(
    () => resumed.filter(({ kind }) => kind === 'batch'),
    (all) => all.some((one) => one.kind === 'batch' && one.batch.tasks.length > 0),
  );
  expect(first?.kind === 'batch' && first.batch.tasks.map(({ task: id }) => id)).toEqual(['two']);
  expect(heard).toHaveLength(before);
});

test('a stream that is far behind is told to ask for everything anew', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  const { index, queries } = await ground.open();
  const position = index.position;
  for (let number = 0; number < 520; number += 1) void ground.says('task_accepted', task(`t-${number}`));
  await until(
    () => queries.tasks({ limit: 1 }),
    ({ total }) => total === 521,
  );
  const told: Told[] = [];
  index.subscribe({ after: position, tasks: [], services: [] }, (one) => told.push(one));
  expect(
    (
      await until(
        () => told,
        (all) => all.length > 0,
      )
    )[0]?.kind,
  ).toBe('reset');
});

test('while it cannot be made, how the services are goes on being told', async () => {
  const ground = new DashboardGround();
  const { index } = await ground.open();
  const told: Told[] = [];
  index.subscribe({ after: null, tasks: [], services: [] }, (one) => told.push(one));
  rmSync(dirname(ground.indexPath), { recursive: true });
  writeFileSync(dirname(ground.indexPath), 'no folder');
  await until(
    () => index.standing,
    ({ isReady }) => !isReady,
  );
  const health = new HealthFile(join(ground.volumes, 'logs/dashboard'), 'dashboard');
  mkdirSync(join(ground.volumes, 'logs/dashboard'));
  await health.beat('waiting', 'the index is being made');
  const troubles = () => told.flatMap((one) => (one.kind === 'batch' ? (one.batch.troubles ?? []) : []));
  await until(troubles, (rows) => rows.some(({ name, status }) => name === 'dashboard' && status === 'waiting'));
  expect(index.standing.isReady).toBe(false);
  rmSync(dirname(ground.indexPath));
  await until(
    () => told.at(-1),
    (last) => last?.kind === 'reset',
  );
});

test('output that is followed comes in pieces of whole characters, by its place, from one part to the next', async () => {
  const ground = new DashboardGround();
  const one = task('one', running);
  await ground.says('task_started', one);
  const log = ground.write(one, 'attempts/1/stdout.log', 'before ');
  const { index } = await ground.open();
  const pieces: { at: number; text: string; part: string; stream: string }[] = [];
  index.subscribe({ after: null, tasks: ['one', '../../etc'], services: [] }, (told) => {
    if (told.kind === 'batch') pieces.push(...told.batch.output);
  });
  await until(
    () => pieces,
    (all) => all.length === 1,
  );
  const snow = Buffer.from('snow ☃ ');
  appendFileSync(log, snow.subarray(0, 6));
  await until(
    () => pieces,
    (all) => all.length === 2,
  );
  appendFileSync(log, Buffer.concat([snow.subarray(6), Buffer.from([0xff])]));
  await until(
    () => pieces,
    (all) => all.length === 3,
  );
  expect(pieces.map(({ at, text }) => [at, text])).toEqual([
    [0, 'before '],
    [7, 'snow '],
    [12, '☃ �'],
  ]);
  const { result } = makeReviewTask();
  await ground.says(
    'verification_started',
    task('one', { status: 'verifying', since, reason: '', wait: null, attempt: 1, result }),
  );
  ground.write(one, 'attempts/1/postconditions.stderr.log', 'checked');
  await until(
    () => pieces,
    (all) => all.length === 4,
  );
  expect(pieces[3]).toMatchObject({ part: 'postconditions', stream: 'stderr', text: 'checked', at: 0 });
});

test('a file in the inbox is told before the runner takes it, and a refused one with the reason', async () => {
  const ground = new DashboardGround();
  const { index, queries } = await ground.open();
  const told: Told[] = [];
  index.subscribe({ after: null, tasks: [], services: [] }, (one) => told.push(one));
  writeFileSync(join(ground.volumes, 'inbox/new.md'), 'workspace: demo\n');
  await until(
    () => queries.now(),
    ({ waiting }) => waiting.length === 1,
  );
  expect((await queries.now()).waiting[0]).toMatchObject({
    task: null,
    file: 'new.md',
    status: 'waiting-for-runner',
    actions: [],
  });
  await until(
    () => told,
    (all) => all.some((one) => one.kind === 'batch' && one.batch.files?.length === 1),
  );
  await ground.says('task_accepted', task('taken', queued, { file: 'new.md' }));
  await until(
    () => queries.now(),
    ({ waiting }) => waiting.length === 1 && waiting[0]?.task === 'taken',
  );
  writeFileSync(join(ground.volumes, 'outbox/invalid/bad.md'), 'x');
  writeFileSync(
    join(ground.volumes, 'outbox/invalid/bad.md.error.txt'),
    'bad.md: not accepted\nbad.md:3: stage: no such stage\nWhat to do: x\ntask: -\n',
  );
  const { ended } = await until(
    () => queries.now(),
    (now) => now.ended.length === 1,
  );
  expect(ended[0]).toMatchObject({ file: 'bad.md', status: 'invalid', reason: 'line 3: stage: no such stage' });
});

test('reads never write: nothing below volumes changes while everything is asked', async () => {
  const ground = new DashboardGround();
  await ground.says('task_accepted', task('one'));
  await ground.closeJournals();
  const look = () =>
    readdirSync(ground.volumes, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => `${path} ${statSync(path).mtimeMs} ${statSync(path).size}`);
  const before = look();
  const { queries } = await ground.open();
  await queries.now();
  await queries.task('one');
  await queries.search('one');
  await queries.charts(30);
  expect(look()).toEqual(before);
});
