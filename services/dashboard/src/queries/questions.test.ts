import { Approvals, Now, TaskDetail } from '@countersign/contracts/page-api.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import type { Told } from '../index/feed.ts';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';
import { running, task } from '../testing/records.ts';
import { answeredState, askingState, question } from '../testing/samples.ts';

const ids = (rows: Now['running']) => rows.map(({ task: id }) => id);

test('what a tool asks waits for a person before every approval, and is at work again once it was answered', async () => {
  const ground = new DashboardGround();
  await ground.says('task_started', task('works', running));
  await ground.says('approval_requested', makeWaitingTask('plan', { id: 'gated' }).record);
  await ground.says('question_asked', task('asks', askingState));
  const { queries } = await ground.open();
  const now = Now.parse(await queries.now());
  expect([ids(now.running), ids(now.attention), ids(now.waiting)]).toEqual([['works'], ['asks', 'gated'], []]);
  const { approvals } = Approvals.parse(await queries.approvals());
  expect(approvals.map(({ row, approval, review }) => [row.task, approval === null, review])).toEqual([
    ['asks', true, null],
    ['gated', false, null],
  ]);
  const { transaction: _, ...shown } = question;
  expect(approvals[0]?.row).toMatchObject({
    status: 'running',
    question: { ...shown, needs_code: false },
    actions: ['cancel', 'answer'],
  });
  await ground.says('question_ended', task('asks', answeredState));
  const later = await until(
    () => queries.now(),
    ({ attention }) => attention.length === 1,
  );
  expect(ids(later.running).sort()).toEqual(['asks', 'works']);
});

test('a task’s page tells the question, also after its end, and who ended it', async () => {
  const ground = new DashboardGround();
  await ground.says('question_ended', task('asks', answeredState));
  const { queries } = await ground.open();
  const { row } = TaskDetail.parse(await queries.task('asks'));
  expect(row.question?.answer).toMatchObject({ outcome: 'answered', text: '8080', user: '@ada:example.org' });
  expect(row.actions).toEqual(['cancel']);
});

test('of prod it needs a code, and of a task that is being cancelled it asks nobody', async () => {
  const ground = new DashboardGround();
  const cancellation = {
    command: 'c',
    channel: 'shell' as const,
    user: 'ada',
    reason: 'too late',
    at: question.asked_at,
  };
  await ground.says('question_asked', task('prod', askingState, { stage: 'prod' }));
  await ground.says('question_asked', task('ending', askingState, { cancellation }));
  const { queries } = await ground.open();
  const now = Now.parse(await queries.now());
  expect(now.attention.map((row) => [row.task, row.question?.needs_code])).toEqual([['prod', true]]);
  expect(ids(now.waiting)).toEqual(['ending']);
  expect(now.waiting[0]?.cancellation).toEqual({ user: 'ada', reason: 'too late' });
});

test('a page that is open hears what is asked and what was answered', async () => {
  const ground = new DashboardGround();
  await ground.says('task_started', task('asks', running));
  const { index } = await ground.open();
  const told: Told[] = [];
  index.subscribe({ after: null, tasks: [], services: [] }, (one) => told.push(one));
  const heard = async (state: TaskState, event: 'question_asked' | 'question_ended') => {
    const before = told.length;
    await ground.says(event, task('asks', state));
    const rows = () => told.slice(before).flatMap((one) => (one.kind === 'batch' ? one.batch.tasks : []));
    return (await until(rows, (found) => found.length > 0)).at(-1);
  };
  expect(await heard(askingState, 'question_asked')).toMatchObject({
    question: { id: question.id, answer: null },
    actions: ['cancel', 'answer'],
  });
  expect(await heard(answeredState, 'question_ended')).toMatchObject({
    question: { id: question.id, answer: { text: '8080' } },
    actions: ['cancel'],
  });
});
