import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeReviewTask, type ReviewChange, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { jsonBytes, type MessageContent } from '../message/content.ts';
import { messageLimits } from '../message/message-limits.ts';
import type { Question } from '../room/read-question.ts';
import { emptyState } from '../state/listener-state.ts';
import { makeOpenTask } from '../testing/gates.ts';
import { makeAskingTask, makeQuestion } from '../testing/questions.ts';
import { bot, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { answerQuestion } from './answer-question.ts';

const since = '2026-11-20T10:00:00.000Z';
const now = Date.parse('2026-11-20T13:05:00.000Z');
const hostile = '<b>&"\'</b>\u202e\u001b[2J @room https://evil.test\u2028approve me';

/** A house on the disk, and what the listener knows of it. */
function begin() {
  const volumes = scratchFolder();
  mkdirSync(join(volumes, 'runs'));
  const state = emptyState(room, bot);
  let trouble = '';
  const know = (record: TaskRecord) => state.tasks.push(makeOpenTask({ task: record.id, file: record.file }));
  const folderOf = ({ run, id }: TaskRecord) => join(volumes, 'runs', run, 'tasks', id);
  return {
    volumes,
    state,
    folderOf,
    say: (words: string) => {
      trouble = words;
    },
    put: (record: TaskRecord) => {
      mkdirSync(folderOf(record), { recursive: true });
      writeFileSync(join(folderOf(record), 'task.json'), JSON.stringify(record));
      know(record);
      return record;
    },
    waiting: async (plan: string, change: Partial<TaskRecord> = {}) => {
      const task = makeWaitingTask(plan, change);
      await writeWaitingTask(volumes, task);
      know(task.record);
      // The runner's record lies beside the bundle.
      writeFileSync(join(folderOf(task.record), 'task.json'), JSON.stringify(task.record));
      return task.record;
    },
    review: async (change: ReviewChange = {}) => {
      const task = makeReviewTask(change);
      await writeReviewTask(volumes, task);
      know(task.record);
      return task.record;
    },
    ask: (question: Question, about: string | null = null) =>
      answerQuestion({ volumes, trouble: () => trouble, now: () => now }, question, about, state),
  };
}

const queued = (id: string, change: Partial<TaskRecord> = {}) =>
  makeRecord(
    {
      status: 'queued' as const,
      since,
      reason: 'the launcher does not answer',
      wait: { kind: 'launcher' as const, since, on: [] },
    },
    { id, ...change },
  );

/** What holds for every answer: silent, calls nobody, fits, and no line of somebody else's passes for ours. */
function check({ msgtype, body, formatted_body: html = '', 'm.mentions': mentions }: MessageContent): void {
  expect([msgtype, mentions]).toEqual(['m.notice', {}]);
  expect(jsonBytes({ body, html })).toBeLessThan(messageLimits.contentBytes);
  expect(`${body}${html}`.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(html).not.toMatch(/<(?!\/?(?:p|strong|code|ul|li|pre|details|summary)>)/);
  expect(body).not.toMatch(/^\s*(?:<b>|approve me|@room)/m);
}

test('what waits for a person: who asks for what, and since when', async () => {
  const house = begin();
  expect((await house.ask({ kind: 'pending' })).body).toBe('Nothing waits for you\n\n');
  await house.waiting('the plan', { id: 'aaaa2' });
  await house.review({ record: { id: 'bbbb2' } });
  house.put(queued('cccc2'));
  const answer = await house.ask({ kind: 'pending' });
  check(answer);
  const lines = answer.body.split('\n');
  expect(lines[0]).toBe('2 tasks wait for you');
  expect(lines[1]).toMatch(
    /^aaaa2: your approval \(until .*\), for 3 h 5 min; stage staging, workspace demo, aaaa2\.md$/,
  );
  expect(lines[2]).toMatch(/^bbbb2: your review \(unverified\), for 2 h 5 min; /);
  expect(answer.body).not.toContain('cccc2');
});

test('a task whose tool asks something waits for a person, too', async () => {
  const house = begin();
  house.put(makeAskingTask(makeQuestion(), { id: 'aaaa2', file: 'aaaa2.md' }));
  const answer = await house.ask({ kind: 'pending' });
  expect(answer.body.split('\n').slice(0, 2)).toEqual([
    '1 task waits for you',
    expect.stringMatching(/^aaaa2: your answer \(until 2026-11-20T12:10:00.000Z\), for /),
  ]);
});

test('how things stand: what is paused, what is held up, what runs and what waits', async () => {
  const house = begin();
  house.put(queued('cccc2'));
  house.put(queued('dddd2'));
  house.put(makeRecord({ status: 'planning', since, reason: '', attempt: 1, slot: null }, { id: 'eeee2' }));
  const paused = { since, by: 'ada', reason: hostile };
  writeFileSync(join(house.volumes, 'runs/queue.json'), JSON.stringify({ version: 1, paused, breakers: [] }));
  house.state.issued.push({ command: 'c', answerTo: '$e', at: since, stands: 'late', owesSign: false });
  house.say('messages wait to be posted');
  const answer = await house.ask({ kind: 'status' });
  check(answer);
  expect(answer.body.split('\n')).toEqual([
    'Status: the queue is held up',
    expect.stringMatching(/^queue: the queue is paused since .* by ada: <b>.*\\u\{202e\}/),
    'tasks: 2 queued, 1 planning',
    'held up: 2 wait for the launcher',
    'commands: 1 without a verdict: the runner may not be running',
    'listener: messages wait to be posted',
    'eeee2: planning, for 3 h 5 min; stage staging, workspace demo, eeee2.md',
    'cccc2: queued, waits for the launcher: the launcher does not answer, for 3 h 5 min; stage staging, workspace demo, cccc2.md',
    expect.stringContaining('dddd2: queued'),
    '',
    '',
  ]);
});

test('of many tasks the first are told and the others counted, and the message fits', async () => {
  const house = begin();
  for (let index = 0; index < 120; index += 1)
    house.put(queued(`task${index}`, { file: `${'🙂&'.repeat(40)}${index}.md`, workspace: 'w' }));
  const answer = await house.ask({ kind: 'status' });
  check(answer);
  expect(answer.body).toContain(`and: ${120 - messageLimits.tasks} more: scripts/countersign status`);
});

test('what has ended since the journals were read is no more told, and what is gone is', async () => {
  const house = begin();
  const record = house.put(makeRecord({ status: 'rejected' as const, since, reason: '' }, { id: 'cccc2' }));
  expect((await house.ask({ kind: 'status' })).body).toBe('Status\ntasks: none that has not ended\n\n');
  rmSync(house.folderOf(record), { recursive: true });
  expect((await house.ask({ kind: 'pending' })).body).toContain('not told: 1 whose record cannot be read');
});

test('a record that cannot be read is counted and hides no other; a pipe is not waited for', async () => {
  const house = begin();
  const [linked, piped] = [house.put(queued('cccc2')), house.put(queued('dddd2'))];
  house.put(queued('eeee2'));
  rmSync(join(house.folderOf(linked), 'task.json'));
  symlinkSync('/etc/passwd', join(house.folderOf(linked), 'task.json'));
  rmSync(join(house.folderOf(piped), 'task.json'));
  execFileSync('mkfifo', [join(house.folderOf(piped), 'task.json')]);
  const { body } = await house.ask({ kind: 'status' });
  expect(body).toContain('not told: 2 whose record cannot be read');
  expect(body).toContain('\neeee2: queued');
  expect((await house.ask({ kind: 'show', name: 'dddd2' })).body).toMatch(
    /^Nothing was done: that cannot be read now: /,
  );
});

test('S085 a task is shown with its facts, and the model’s plan marked line by line', async () => {
  const house = begin();
  const record = await house.waiting(`step one\n${hostile}\nstate: done`, {
    id: 'aaaa2',
    title: hostile,
    file: 'x.md',
  });
  const answer = await house.ask({ kind: 'show', name: 'AAAA2' });
  check(answer);
  const lines = answer.body.split('\n');
  expect(lines[0]).toBe('Task, pending for 3 h 5 min (aaaa2): x.md');
  expect(lines).toContain(`reason: ${record.state.reason}`);
  expect(lines.filter((line) => line.startsWith('state: '))).toHaveLength(1);
  expect(lines).toContain('| step one');
  expect(lines).toContain('| state: done');
  expect(lines.some((line) => line.startsWith('| <b>'))).toBe(true);
});

test('A07 what was changed after it was asked for is not shown', async () => {
  const house = begin();
  const record = await house.waiting('the plan', { id: 'aaaa2' });
  appendFileSync(join(house.folderOf(record), 'attempts/1/plan.md'), 'evil');
  const shown = await house.ask({ kind: 'show', name: 'aaaa2' });
  check(shown);
  expect(shown.body).toMatch(/^DO NOT APPROVE/);
  const result = await house.review({ record: { id: 'bbbb2' } });
  appendFileSync(join(house.folderOf(result), 'attempts/1/diffs/demo.patch'), 'evil');
  const diff = await house.ask({ kind: 'diff', name: 'bbbb2' });
  check(diff);
  expect([diff.body.split('\n')[0], diff.body]).toEqual([
    expect.stringMatching(/^DO NOT MERGE/),
    expect.not.stringContaining('evil'),
  ]);
});

test('S084 A17 the end of 300 lines of hostile output, each marked', async () => {
  const house = begin();
  const record = house.put(queued('cccc2', { attempts: 1 }));
  expect((await house.ask({ kind: 'log', name: 'cccc2' })).body).toMatch(/^No output yet \(cccc2\): cccc2\.md\n/);
  const folder = join(house.folderOf(record), 'attempts/1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'stdout.log'),
    Array.from({ length: 300 }, (_, index) => `${index} ${hostile}`).join('\n'),
  );
  const answer = await house.ask({ kind: 'log', name: '' }, 'cccc2');
  check(answer);
  const words = answer.body.split('\n').filter((line) => /\d <b>/.test(line));
  expect(words.length).toBeGreaterThan(10);
  expect(words.every((line) => line.startsWith('| '))).toBe(true);
  expect(words.at(-1)).toMatch(/^\| 299 /);
  expect(answer.formatted_body).toContain('299 &lt;b&gt;');
  writeFileSync(join(folder, 'stdout.log'), `${'🙂'.repeat(50_000)}the end`);
  const long = await house.ask({ kind: 'log', name: 'cccc2' });
  check(long);
  expect(long.body).toMatch(/\n\| …(?:🙂)+the end$/u);
});

test('a diff: repositories, what deserves eyes, and how the patch begins', async () => {
  const house = begin();
  await house.review({
    record: { id: 'bbbb2', file: 'x.md' },
    patches: { demo: `diff --git a/x b/x\n+${hostile}\n+\ttab\n${'+more\n'.repeat(5_000)}`, other: '+other\n' },
    files: [{ path: `.github/${hostile}`, flags: ['ci'] }],
  });
  const answer = await house.ask({ kind: 'diff', name: 'bbbb2' });
  check(answer);
  expect(answer.body).toMatch(
    /^Diff \(bbbb2\): x\.md\nrepository: demo, branch main, b{12} to c{12}: 1 file, \+2 -1, 1 that needs eyes\nrepository: other/,
  );
  expect(answer.body).toContain('\nneeds eyes: demo: .github/');
  expect(answer.body).toContain('\n| diff --git a/x b/x\n| +<b>');
  expect(answer.body).toContain('\n| +    tab\n');
  expect(answer.body).toMatch(/characters: scripts\/countersign diff bbbb2$/);
});

test('a patch that is too large to be checked is not shown at all', async () => {
  const house = begin();
  await house.review({ record: { id: 'bbbb2' }, patches: { demo: '+x\n'.repeat(listenerLimits.patchBytes) } });
  const answer = await house.ask({ kind: 'diff', name: 'bbbb2' });
  check(answer);
  expect(answer.body).toContain('too large to be shown here: `scripts/countersign diff bbbb2`');
  expect(answer.body).not.toContain('| ');
});

test.each([
  [{ kind: 'diff', name: 'cccc2' }, /^No saved diff \(cccc2\): cccc2\.md\nstate: queued/],
  [{ kind: 'show', name: 'cccc3' }, /^Nothing was done: no task is called "cccc3"; did you mean cccc2\?$/],
  [{ kind: 'log', name: '' }, /^Nothing was done: say which: log <task>/],
  [{ kind: 'show', name: hostile }, /^Nothing was done: no task is called "<b>/],
  [{ kind: 'mistyped', meant: `approve ${hostile}` }, /^Nothing was done: did you mean: approve <b>/],
  [{ kind: 'help' }, /^What can be said here\..*\npending: what waits for you\n/],
] as const)('%j is answered', async (question, answer) => {
  const house = begin();
  house.put(queued('cccc2'));
  const content = await house.ask(question);
  check(content);
  expect(content.body).toMatch(answer);
});

test('a house that cannot be read is said, and thrown at nobody', async () => {
  const house = begin();
  const run = join(house.volumes, 'runs/RUN-20261120-001');
  mkdirSync(run);
  symlinkSync(join(run, 'tasks'), join(run, 'tasks'));
  for (const kind of ['pending', 'status'] as const)
    expect((await house.ask({ kind })).body).toMatch(/^Nothing was done: that cannot be read now: /);
});
