import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Question } from '@countersign/contracts/question.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { TestJournals } from '../testing/journals.ts';
import { keptLog } from '../testing/kept-log.ts';
import { makeAskingTask, makeQuestion } from '../testing/questions.ts';
import { scratchFolder } from '../testing/scratch.ts';
import type { News } from './news.ts';
import { readNews, readStanding } from './read-news.ts';

const run = 'RUN-20261120-001';
const since = '2026-11-20T10:00:00.000Z';
const pending = (id: string, digest = 'd'.repeat(64)) =>
  makeRecord({ status: 'pending', wait: null, since, reason: '', digest, expires_at: since }, { id });
const queued = (id: string) => makeRecord({ status: 'queued', wait: null, since, reason: '' }, { id });

function begin() {
  const volumes = scratchFolder();
  const journals = new TestJournals(volumes);
  const runs = join(volumes, 'runs');
  const { logger, lines } = keptLog();
  const journal = (name: string | null) => ({
    name: name === null ? 'telemetry.jsonl' : `${name}/telemetry.jsonl`,
    size: statSync(journals.pathOf(name)).size,
  });
  return { journals, runs, logger, lines, journal };
}

function told(news: readonly News[]): string[] {
  return news.map((item) => ('record' in item ? `${item.kind} ${item.record.id}` : item.kind));
}

test('a request that was superseded meanwhile is not told, what superseded it is', async () => {
  const { journals, runs, logger, journal } = begin();
  await journals.says('approval_requested', pending('aa', 'a'.repeat(64)));
  await journals.says('approval_requested', pending('bb'));
  await journals.says('task_requeued', queued('aa'));
  await journals.says('approval_requested', pending('aa', 'b'.repeat(64)));
  await journals.says('approval_requested', pending('cc'));
  await journals.says('task_ended', queued('cc'));
  const { news, end, name } = await readNews(runs, journal(run), 0, logger);
  expect(told(news)).toEqual(['request bb', 'moved aa', 'request aa', 'moved cc']);
  expect(news[2]).toMatchObject({ record: { state: { digest: 'b'.repeat(64) } } });
  expect([name, end]).toEqual([`${run}/telemetry.jsonl`, journal(run).size]);
  expect(await readNews(runs, journal(run), end, logger)).toMatchObject({ news: [], end });
});

test('what stands is what waits now', async () => {
  const { journals, runs, logger, journal } = begin();
  await journals.says('approval_requested', pending('aa', 'a'.repeat(64)));
  await journals.says('task_requeued', queued('aa'));
  await journals.says('approval_requested', pending('aa', 'b'.repeat(64)));
  await journals.says('approval_requested', pending('bb'));
  await journals.says('task_ended', queued('bb'));
  const { news, end } = await readStanding(runs, journal(run), logger);
  // What has not ended is known by its name, and nothing is told of it.
  expect(told(news)).toEqual(['request aa', 'moved bb']);
  expect(end).toBe(journal(run).size);
});

test('however much happens to a task, what is kept of it is what it still matters for', async () => {
  const { journals, runs, logger, journal } = begin();
  const running = (question: Question | null) => {
    const record = makeAskingTask(question ?? makeQuestion(), { id: 'aa' });
    return question === null && record.state.status === 'running'
      ? { ...record, state: { ...record.state, question } }
      : record;
  };
  const answer = { outcome: 'default' as const, text: 'blue', at: since };
  for (let index = 0; index < 20; index += 1) {
    await journals.says('task_waiting', queued('aa'));
    await journals.says('approval_requested', pending('aa', 'a'.repeat(64)));
  }
  await journals.says('question_asked', running(makeQuestion()));
  for (let index = 0; index < 20; index += 1) {
    await journals.says('question_ended', running(makeQuestion({ answer })));
    await journals.says('task_adopted', running(null));
  }
  await journals.says(
    'task_ended',
    makeRecord({ status: 'failed', since, reason: '', error_class: 'internal', result: null }, { id: 'aa' }),
  );
  await journals.says('task_retried', queued('aa'));
  for (let index = 0; index < 20; index += 1) await journals.says('task_waiting', queued('aa'));
  await journals.says('approval_requested', pending('aa', 'b'.repeat(64)));
  const { news } = await readNews(runs, journal(run), 0, logger);
  // How its question was answered, its end and its being tried again, that what was asked before is over, and what it asks now.
  expect(told(news)).toEqual(['moved aa', 'moved aa', 'note', 'moved aa', 'request aa']);
  expect(news[0]).toMatchObject({ record: { state: { question: { answer } } } });
  expect(news[1]).toMatchObject({ hasEnded: true });
  expect(news[4]).toMatchObject({ record: { state: { digest: 'b'.repeat(64) } } });
  expect(told((await readStanding(runs, journal(run), logger)).news)).toEqual(['request aa']);
});

test('of a result that a merge left as it was only the last word stands', async () => {
  const { journals, runs, logger, journal } = begin();
  const { record } = makeReviewTask({ record: { id: 'aa' } });
  const { result } = record.state;
  await journals.says('review_requested', record);
  await journals.says('rebase_started', {
    ...record,
    state: { status: 'rebasing', wait: null, since, reason: '', attempt: 2, result },
  });
  await journals.says('rebase_ended', record);
  const { news } = await readNews(runs, journal(run), 0, logger);
  expect(told(news)).toEqual(['moved aa', 'review aa']);
  expect(news[1]).toMatchObject({ back: 'rebase' });
  expect(told((await readStanding(runs, journal(run), logger)).news)).toEqual(['review aa']);
});

test('the journal of no run is told bit by bit, and nothing of it is left out', async () => {
  const { journals, runs, logger, journal } = begin();
  const most = 3;
  for (let index = 0; index < 500; index += 1)
    await journals.append(null, { event: 'message', summary: `${index}${'x'.repeat(3_900)}` });
  const seen: number[] = [];
  for (let position = 0; position < journal(null).size; ) {
    const { news, end } = await readNews(runs, journal(null), position, logger, most);
    seen.push(news.length);
    expect(end).toBeGreaterThan(position);
    position = end;
  }
  expect(seen.length).toBeGreaterThan(1);
  expect(seen.reduce((sum, count) => sum + count, 0)).toBe(500);
});

test('of the journal of no run nothing stands, however long it is', async () => {
  const { journals, runs, logger, journal } = begin();
  for (let index = 0; index < listenerLimits.outgoing * 3; index += 1)
    await journals.append(null, { event: 'message', summary: 'x'.repeat(4_000) });
  expect(await readStanding(runs, journal(null), logger)).toMatchObject({ news: [], end: journal(null).size });
});

test('a journal that grew since it was looked at is read as it is then', async () => {
  const { journals, runs, logger, journal } = begin();
  await journals.append(null, { event: 'message', summary: 'one' });
  const before = journal(null);
  await journals.append(null, { event: 'message', summary: 'two' });
  const { news, end } = await readNews(runs, before, 0, logger);
  expect([news.length, end]).toEqual([2, journal(null).size]);
});

test('a line that is no event is said and gone past; one that is still being written is not', async () => {
  const { journals, runs, logger, lines, journal } = begin();
  await journals.append(run, { event: 'message', summary: 'one' });
  await journals.close();
  appendFileSync(journals.pathOf(run), 'not JSON\n{"seq":1}\n');
  const { end } = await readNews(runs, journal(run), 0, logger);
  expect(end).toBe(journal(run).size);
  expect(lines.map(({ text }) => text)).toEqual(Array(2).fill('a line of a journal is no event'));
  appendFileSync(journals.pathOf(run), '{"seq":');
  expect(await readNews(runs, journal(run), end, logger)).toMatchObject({ news: [], end });
});
