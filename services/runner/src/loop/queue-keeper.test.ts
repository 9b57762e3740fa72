import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { Intake } from '../queue/intake.ts';
import { FileObserver } from '../queue/observe.ts';
import { Clock, eventsOf, filesIn, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { makeRepository } from '../testing/repository.ts';
import { Activity } from '../work/attempt.ts';
import { QueueKeeper } from './queue-keeper.ts';

const text = 'workspace: project\nstage: dev\n\nsay hello\n';

async function begin(state: TaskState = states.queued) {
  const home = makeHome();
  const clock = new Clock();
  const context = await openContext(home, clock);
  const observer = new FileObserver(2_000, () => clock.now().getTime());
  const keeper = new QueueKeeper(context, observer, new Intake(context, observer));
  const run = await context.runs.ofTheDay('project', context.now());
  const bases = [{ repository: 'project', branch: 'main', head: 'a'.repeat(40) }];
  const record = makeRecord({ run, state, task_file: sha256(text), bases });
  const { layout } = home;
  mkdirSync(layout.task(run, record.id), { recursive: true });
  writeFileSync(join(layout.task(run, record.id), 'task.md'), text);
  const path = layout.fileOf(record);
  writeFileSync(path, text);
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const now = (): TaskRecord => context.tasks.get(record.id) ?? record;
  const check = (activity?: Activity) => keeper.check(now(), activity);
  /** Looks, as long as the task has not ended, until nothing is in motion any more. */
  const settle = async (activity?: Activity) => {
    let standing: Awaited<ReturnType<typeof check>> = 'changing';
    for (let count = 0; count < 5 && context.tasks.open().length > 0; count += 1) {
      standing = await check(activity);
      clock.pass(1_500);
    }
    return standing;
  };
  return { layout, context, clock, path, run, record, now, check, settle };
}

const idle = () => new Activity(() => Promise.resolve());
const open = ['queued', 'planning', 'pending', 'approved', 'running', 'interrupted'] as const;

test.each(open)('the file of a %s task that nobody touched lets it go on', async (status) => {
  const { settle, now, record } = await begin(states[status]);
  expect(await settle()).toBe('unchanged');
  expect(now()).toEqual(record);
});

test('a file that is only touched, or written with the same bytes, changes nothing', async () => {
  const { settle, now, record, path } = await begin(states.pending);
  await settle();
  utimesSync(path, new Date(), new Date());
  expect(await settle()).toBe('unchanged');
  writeFileSync(path, text);
  expect(await settle()).toBe('unchanged');
  expect(now()).toEqual(record);
});

test.each(open)('F34 a changed byte makes a %s task begin anew, with what the file says now', async (status) => {
  const { settle, now, path, layout, run, record } = await begin(states[status]);
  const changed = text.replace('dev', 'staging').replace('hello', 'goodbye');
  writeFileSync(path, changed);
  await settle();
  expect(now()).toMatchObject({
    stage: 'staging',
    gate: true,
    title: 'say goodbye',
    task_file: sha256(changed),
    bases: status === 'queued' ? record.bases : null,
    state: { status: 'queued' },
  });
  expect(filesIn(layout, 'inbox')).toEqual(['x.md']);
  expect(readFileSync(join(layout.task(run, record.id), 'task.md'), 'utf8')).toBe(changed);
});

test('an approval does not outlive a changed byte', async () => {
  const { settle, now, path, layout, run } = await begin(states.approved);
  writeFileSync(path, text.replace('hello', 'hellO'));
  await settle();
  expect(now().state).toEqual(expect.not.objectContaining({ approval: expect.anything() }));
  expect(
    eventsOf(layout.runJournal(run))
      .map(({ event }) => event)
      .slice(2),
  ).toEqual(['task_requeued', 'task_changed']);
});

test('a file that is being written is waited for', async () => {
  const { check, settle, clock, now, path } = await begin(states.pending);
  await settle();
  for (const piece of ['w', 'wo', 'wor']) {
    writeFileSync(path, piece);
    expect(await check()).toBe('changing');
    clock.pass(1_000);
  }
  expect(now().state.status).toBe('pending');
  writeFileSync(path, text);
  await settle();
  expect(now().state.status).toBe('pending');
});

test('F34 an editor that removes the file and writes it again cancels nothing', async () => {
  const { check, settle, clock, now, path } = await begin(states.pending);
  await settle();
  rmSync(path);
  expect(await check()).toBe('changing');
  clock.pass(1_000);
  writeFileSync(path, text);
  await settle();
  expect(now().state.status).toBe('pending');
  rmSync(path);
  expect(await check()).toBe('changing');
  clock.pass(1_900);
  expect(await check()).toBe('changing');
});

test.each([...open, 'review'] as const)(
  'F40 a removed file cancels a %s task, and the saved copy is kept',
  async (status) => {
    const { settle, now, path, layout } = await begin(states[status]);
    rmSync(path);
    await settle();
    expect(now().state).toMatchObject({ status: 'cancelled', reason: 'its file was removed' });
    expect(readFileSync(join(layout.queue('outbox/cancelled'), 'x.md'), 'utf8')).toBe(text);
  },
);

test.each<[string, (path: string) => void]>([
  ['a folder', (path) => mkdirSync(join(path, 'deep'), { recursive: true })],
  ['a link to the same bytes', (path) => symlinkSync(`${path}.bak`, path)],
  ['a dangling link', (path) => symlinkSync('nowhere', path)],
])('%s in the file’s place counts as removed', async (_name, make) => {
  const { settle, now, path, layout } = await begin(states.pending);
  renameSync(path, `${path}.bak`);
  make(path);
  await settle();
  expect(now().state.status).toBe('cancelled');
  const copies = filesIn(layout, 'outbox/cancelled');
  expect(copies).toContain('x.abcde.md');
  expect(readFileSync(join(layout.queue('outbox/cancelled'), 'x.abcde.md'), 'utf8')).toBe(text);
});

test.each<[string, string, RegExp]>([
  ['a file that is none', 'stage: dev\n', /"key: value"|workspace/],
  ['an unknown stage', text.replace('dev', 'live'), /unknown stage/],
  ['another workspace that exists not', text.replace('project', 'other'), /unknown workspace/],
  ['nothing', '', /empty/],
  ['too much', 'x'.repeat(300_000), /300000 bytes/],
])('a change into %s ends the task as invalid, with the reason beside it', async (_name, content, reason) => {
  const { settle, now, path, layout } = await begin(states.pending);
  writeFileSync(path, content);
  await settle();
  expect(now().state.status).toBe('invalid');
  expect(filesIn(layout, 'outbox/invalid')).toEqual(['x.md', 'x.md.error.txt']);
  expect(readFileSync(join(layout.queue('outbox/invalid'), 'x.md.error.txt'), 'utf8')).toMatch(reason);
});

test('another workspace is another file’s business', async () => {
  const { settle, now, path, layout } = await begin(states.queued);
  makeRepository(join(layout.workspaces, 'other'));
  writeFileSync(path, text.replace('project', 'other'));
  await settle();
  expect(now().state).toMatchObject({ status: 'invalid', reason: expect.stringMatching(/it was project/) });
});

test('a task keeps its own id when its file names it', async () => {
  const { settle, now, path } = await begin(states.queued);
  writeFileSync(path, `id: abcde\n${text}`);
  await settle();
  expect(now()).toMatchObject({ id: 'abcde', state: { status: 'queued' } });
});

test('a changed file stops the attempt that works on it, and leaves the rest to it', async () => {
  const { check, settle, now, path, record } = await begin(states.running);
  const activity = idle();
  expect(await settle(activity)).toBe('unchanged');
  expect(activity.signal.aborted).toBe(false);
  writeFileSync(path, `${text}more\n`);
  expect(await check(activity)).toBe('changing');
  expect(activity.reason).toBe('file_changed');
  expect(now()).toEqual(record);
});

test('a removed file stops the attempt that works on it, when it stayed away', async () => {
  const { check, clock, path, now, record } = await begin(states.running);
  const activity = idle();
  rmSync(path);
  await check(activity);
  expect(activity.reason).toBeNull();
  clock.pass(2_000);
  expect(await check(activity)).toBe('gone');
  expect(activity.reason).toBe('file_removed');
  expect(now()).toEqual(record);
});

test('what waits for review no longer depends on its file’s bytes', async () => {
  const { settle, now, path, record } = await begin(states.review);
  writeFileSync(path, 'anything');
  expect(await settle()).toBe('unchanged');
  expect(now()).toEqual(record);
});
