import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { Intake } from '../queue/intake.ts';
import { FileObserver } from '../queue/observe.ts';
import { eventsOf, filesIn, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { RunStore } from './run-store.ts';
import { type EventDetail, TaskStore } from './task-store.ts';

const detail: EventDetail = { event: 'task_waiting', phase: 'queue', agent_role: 'runner', summary: 'because' };
const text = `workspace: project\n\n${'say hello '.repeat(1_000)}\n`;
const other = 'workspace: project\n\nsay something else\n';

/** A task that came from `first` to `then`, and the places of its file. */
async function begin(first: TaskState = states.queued, then: Parameters<TaskStore['transition']>[1] = states.pending) {
  const home = makeHome();
  const { layout } = home;
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state: first, task_file: sha256(text) });
  const folder = layout.task(run, record.id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'task.md'), text);
  writeFileSync(layout.fileOf(record), text);
  await context.tasks.create(record, detail);
  const before = readFileSync(join(folder, 'task.json'));
  const path = { source: layout.fileOf(record), target: '', copy: join(folder, 'task.md') };
  const status = first.status === 'queued' && then.status === 'pending' ? states.planning : null;
  if (status !== null) await context.tasks.transition(record.id, status, detail);
  const now = await context.tasks.transition(record.id, then, detail);
  path.target = layout.fileOf(now);
  await context.close();
  /** As if it had died before the record was written. */
  const unfinish = () => writeFileSync(join(folder, 'task.json'), before);
  const recover = async () => {
    await using runs = await RunStore.open(layout);
    return await TaskStore.recover(layout, runs);
  };
  /** Twice: the second one finds nothing to do, and leaves every byte as it is. */
  const settle = async () => {
    const first = await recover();
    const lying = everything(home.home);
    const again = await recover();
    expect(again.findings).toEqual([]);
    expect(again.swept.removed).toEqual([]);
    expect(everything(home.home)).toEqual(lying);
    expect(JSON.parse(readFileSync(join(folder, 'task.json'), 'utf8'))).toEqual(now);
    return first;
  };
  return { home, layout, run, record: now, path, folder, unfinish, recover, settle };
}

function everything(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' });
  return new Map(
    entries
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('workspaces'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );
}

const rulesOf = ({ findings }: Awaited<ReturnType<typeof TaskStore.recover>>) => findings.map(({ rule }) => rule);

test('what is as it should be stays so', async () => {
  const { settle, home } = await begin();
  const lying = everything(home.home);
  expect(rulesOf(await settle())).toEqual([]);
  expect(everything(home.home)).toEqual(lying);
});

test('a death between event and rename: the file goes where the journal says', async () => {
  const { settle, unfinish, path, layout } = await begin(states.approved, states.running);
  unfinish();
  renameSync(path.target, path.source);
  expect(rulesOf(await settle())).toEqual(['move', 'record']);
  expect(filesIn(layout, 'inbox/running')).toEqual(['x.md']);
  expect(filesIn(layout, 'inbox/pending')).toEqual([]);
});

test('F19 both names show the same bytes: the old one is removed', async () => {
  const { settle, unfinish, path } = await begin(states.approved, states.running);
  unfinish();
  writeFileSync(path.source, text);
  expect(rulesOf(await settle())).toEqual(['twice', 'record']);
  expect(existsSync(path.source)).toBe(false);
  expect(readFileSync(path.target, 'utf8')).toBe(text);
});

test('F19 in the inbox, a file of the same time is the one that was moved; a new drop of the same bytes is a task of its own', async () => {
  for (const sameTime of [true, false]) {
    const { settle, unfinish, path } = await begin(states.queued, states.running);
    unfinish();
    writeFileSync(path.source, text);
    utimesSync(path.target, 1_000, 1_000);
    utimesSync(path.source, 1_000, sameTime ? 1_000 : 1_001);
    expect(rulesOf(await settle())).toEqual(sameTime ? ['twice', 'record'] : ['record']);
    expect(existsSync(path.source)).toBe(!sameTime);
  }
});

test('F20 a file whose move was not durable, at a place that is another task’s by now, goes where it belongs', async () => {
  const { layout, run, record, path, folder, home } = await begin(states.queued, states.planning);
  const context = await openContext(home);
  const second = makeRecord({ id: 'later', run, state: states.cancelled, task_file: sha256(other) });
  const place = layout.task(run, second.id);
  mkdirSync(place, { recursive: true });
  for (const copy of [join(place, 'task.md'), layout.fileOf(second)]) writeFileSync(copy, other);
  await context.tasks.create(second, detail);
  const queued = await context.tasks.transition(second.id, states.queued, detail);
  await context.close();
  expect(layout.fileOf(queued)).toBe(path.source);
  renameSync(path.source, layout.fileOf(second));
  renameSync(path.target, path.source);
  for (const stored of [folder, place]) writeFileSync(join(stored, 'task.json'), '{');
  await using runs = await RunStore.open(layout);
  const recovered = await TaskStore.recover(layout, runs);
  expect(rulesOf(recovered).sort()).toEqual(['move', 'move', 'record', 'record']);
  expect(recovered.swept.unknown).toEqual([]);
  expect(readFileSync(layout.fileOf(record), 'utf8')).toBe(text);
  expect(readFileSync(path.source, 'utf8')).toBe(other);
  expect(filesIn(layout, 'inbox')).toEqual(['x.md']);
  expect((await TaskStore.recover(layout, runs)).findings).toEqual([]);
});

test('F38 the same file dropped again while the runner is down is not taken for the task’s own', async () => {
  const { settle, path } = await begin(states.queued, states.running);
  writeFileSync(path.source, text);
  for (const name of [path.source, path.target]) utimesSync(name, 1_000, 1_000);
  expect(rulesOf(await settle())).toEqual([]);
  expect(existsSync(path.source)).toBe(true);
});

test('F19 other bytes at the old name are somebody’s: they stay and are told', async () => {
  const { settle, unfinish, path } = await begin(states.approved, states.running);
  unfinish();
  writeFileSync(path.source, other);
  const { swept } = await settle();
  expect(swept.unknown).toEqual(['inbox/pending/x.md']);
  expect(readFileSync(path.source, 'utf8')).toBe(other);
});

test('F19 other bytes at the new name are kept beside it, and the task’s file takes its place', async () => {
  const { settle, unfinish, path, layout } = await begin(states.approved, states.running);
  unfinish();
  renameSync(path.target, path.source);
  writeFileSync(path.target, other);
  const recovered = await settle();
  expect(rulesOf(recovered)).toEqual(['taken', 'record']);
  expect(recovered.swept.unknown).toEqual(['inbox/running/x.kept.md']);
  expect(readFileSync(path.target, 'utf8')).toBe(text);
  expect(readFileSync(join(layout.queue('inbox/running'), 'x.kept.md'), 'utf8')).toBe(other);
});

test.each<[string, Buffer]>([
  ['nothing in it', Buffer.alloc(0)],
  ['NULs in it', Buffer.alloc(text.length)],
  ['its first block only', Buffer.from(text).subarray(0, 4_096)],
])('F17 a file with %s after lost power gets its accepted bytes back', async (_name, left) => {
  const { settle, path } = await begin();
  writeFileSync(path.target, left);
  expect(rulesOf(await settle())).toEqual(['damaged']);
  expect(readFileSync(path.target, 'utf8')).toBe(text);
});

test('F17 a rename that is on disk before the bytes: the old name has them still', async () => {
  const { settle, unfinish, path } = await begin(states.approved, states.running);
  unfinish();
  renameSync(path.target, path.source);
  writeFileSync(path.target, '');
  expect(rulesOf(await settle())).toEqual(['move-over', 'record']);
  expect(readFileSync(path.target, 'utf8')).toBe(text);
  expect(existsSync(path.source)).toBe(false);
});

test('F17 an operator’s change is no damage: the work loop judges it', async () => {
  const { settle, path } = await begin();
  writeFileSync(path.target, text.slice(0, 100));
  expect(rulesOf(await settle())).toEqual([]);
  expect(readFileSync(path.target, 'utf8')).toBe(text.slice(0, 100));
});

test('F18 a directory entry that was lost in a change: the saved copy takes its place', async () => {
  const { settle, unfinish, path } = await begin();
  unfinish();
  rmSync(path.target);
  expect(rulesOf(await settle())).toEqual(['lost', 'record']);
  expect(readFileSync(path.target, 'utf8')).toBe(text);
});

test('F40 a file that is gone though nothing was under way was removed by the operator', async () => {
  const { settle, path } = await begin();
  rmSync(path.target);
  expect(rulesOf(await settle())).toEqual([]);
  expect(existsSync(path.target)).toBe(false);
});

test.each(['task.md is gone', 'task.md is empty'])('F18 %s: it is made again from the task’s file', async (what) => {
  const { settle, path } = await begin();
  if (what.endsWith('gone')) rmSync(path.copy);
  else writeFileSync(path.copy, '');
  expect(rulesOf(await settle())).toEqual(['copy']);
  expect(readFileSync(path.copy, 'utf8')).toBe(text);
});

test.each(['', '{', 'null', '{"version":2}'])('a task.json that holds %j is written anew', async (content) => {
  const { settle, folder } = await begin();
  writeFileSync(join(folder, 'task.json'), content);
  expect(rulesOf(await settle())).toEqual(['record']);
});

test('F20 a file that is further than the journal, as in a restored backup, goes back to where the journal has it', async () => {
  const { settle, layout, path } = await begin(states.approved, states.running);
  renameSync(path.target, join(layout.queue('outbox/done'), 'x.md'));
  expect(rulesOf(await settle())).toEqual(['ahead']);
  expect(filesIn(layout, 'outbox/done')).toEqual([]);
  expect(readFileSync(path.target, 'utf8')).toBe(text);
});

test('an ended task’s file is the operator’s: carried back into the inbox, it is a new task', async () => {
  const { settle, layout, path } = await begin(states.running, states.done);
  renameSync(path.target, join(layout.queue('inbox'), 'x.md'));
  expect(rulesOf(await settle())).toEqual([]);
  expect(filesIn(layout, 'inbox')).toEqual(['x.md']);
  expect(filesIn(layout, 'outbox/done')).toEqual([]);
});

test('an attempt that was asked for again and died before its file came back', async () => {
  const { settle, unfinish, path } = await begin(states.failed, states.queued);
  unfinish();
  renameSync(path.target, path.source);
  expect(rulesOf(await settle())).toEqual(['move', 'record']);
  expect(existsSync(path.target)).toBe(true);
});

test('files that no record tells of are left alone and told, except in the inbox and among the refused', async () => {
  const { settle, layout } = await begin();
  for (const folder of ['inbox', 'inbox/pending', 'inbox/running', 'outbox/done', 'outbox/invalid'] as const) {
    writeFileSync(join(layout.queue(folder), 'mine.md'), other);
    writeFileSync(join(layout.queue(folder), '.DS_Store'), other);
  }
  const { swept } = await settle();
  expect(swept.unknown).toEqual(['inbox/pending/mine.md', 'inbox/running/mine.md', 'outbox/done/mine.md']);
  expect(filesIn(layout, 'inbox/running')).toEqual(['.DS_Store', 'mine.md']);
});

test('half-written files of ours are removed when they are old, and no others', async () => {
  const { recover, layout, run } = await begin();
  const ours = `.${'0a'.repeat(12)}.tmp`;
  const places = [layout.queue('inbox'), layout.queue('outbox/done'), layout.runs, layout.run(run)];
  const old = new Date(Date.now() - 3_600_000);
  for (const place of places) {
    for (const name of [ours, '.x.md.tmp', `.${'0b'.repeat(12)}.tmp`]) writeFileSync(join(place, name), 'half');
    utimesSync(join(place, ours), old, old);
    utimesSync(join(place, '.x.md.tmp'), old, old);
  }
  expect((await recover()).swept.removed).toHaveLength(places.length);
  for (const place of places) {
    expect(existsSync(join(place, ours))).toBe(false);
    expect(existsSync(join(place, '.x.md.tmp'))).toBe(true);
    expect(existsSync(join(place, `.${'0b'.repeat(12)}.tmp`))).toBe(true);
  }
});

test('a death between the copy and the event: the folder goes, and the file is taken anew, once', async () => {
  const { home, layout, run, recover } = await begin();
  const begun = layout.task(run, 'begun');
  mkdirSync(begun);
  writeFileSync(join(begun, 'task.md'), other);
  writeFileSync(join(layout.queue('inbox'), 'y.md'), other);
  expect((await recover()).swept).toEqual({ removed: [`runs/${run}/tasks/begun`], unknown: [] });
  const context = await openContext(home);
  await new Intake(context, new FileObserver(0)).scan();
  await new Intake(context, new FileObserver(0)).scan();
  expect([...context.tasks.all()].filter(({ dropped_as }) => dropped_as === 'y.md')).toHaveLength(1);
});

test.each<[string, (folder: string) => void]>([
  ['the only copy of its text', (folder) => writeFileSync(join(folder, 'task.md'), other)],
  ['work', (folder) => mkdirSync(join(folder, 'attempts'))],
  ['a record that the journal does not know', (folder) => writeFileSync(join(folder, 'task.json'), '{}')],
])('a folder of no task with %s is left alone and told', async (_name, fill) => {
  const { recover, layout, run } = await begin();
  mkdirSync(layout.task(run, 'begun'));
  fill(layout.task(run, 'begun'));
  expect((await recover()).swept).toEqual({ removed: [], unknown: [`runs/${run}/tasks/begun`] });
  expect(readdirSync(layout.task(run, 'begun'))).toHaveLength(1);
});

test('F47 tasks come in the order of their acceptance, whatever the clock did, also after a restart', async () => {
  const home = makeHome();
  const context = await openContext(home);
  const times = [
    '2036-11-20T10:00:00.000Z',
    '2026-11-20T10:00:00.000Z',
    '2026-11-20T10:00:00.000Z',
    '2026-11-20T09:00:00.000Z',
  ];
  const runs = [
    await context.runs.ofTheDay('project', context.now()),
    await context.runs.ofTheDay('other', context.now()),
  ];
  const ids = ['zz', 'yy', 'xx', 'aa', 'bb'];
  for (const [index, id] of ids.entries()) {
    const record = makeRecord({
      id,
      file: `${id}.md`,
      run: runs[index === 4 ? 1 : 0] ?? '',
      accepted_at: times[index] ?? '2036-11-20T11:00:00.000Z',
    });
    await context.tasks.create(record, detail);
  }
  expect(context.tasks.open().map(({ id }) => id)).toEqual(ids);
  await context.close();
  await using again = await RunStore.open(home.layout);
  const { store } = await TaskStore.recover(home.layout, again);
  expect([...store.all()].map(({ id }) => id)).toEqual(ids);
  expect(eventsOf(home.layout.runJournal(runs[0] ?? ''))).toHaveLength(5);
});
