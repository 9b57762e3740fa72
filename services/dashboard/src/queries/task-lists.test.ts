import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Now, TaskList } from '@countersign/contracts/page-api.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { describe, expect, test } from 'vitest';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';
import { at, done, failed, queued, running, since, task } from '../testing/records.ts';

describe('lists', () => {
  async function filled() {
    const ground = new DashboardGround();
    for (let number = 0; number < 30; number += 1) {
      const workspace = number % 2 === 0 ? 'even' : 'odd';
      const change = { accepted_at: at(number), workspace, title: `Title ${number} of a thing` };
      const state = number % 3 === 0 ? running : number % 3 === 1 ? failed : queued;
      await ground.says(
        'task_accepted',
        task(`t-${number}`, state, { ...change, tool: number < 5 ? 'other' : 'agent' }),
      );
    }
    return { ground, ...(await ground.open()) };
  }

  test('are the newest first, in pages that go on where the last one ended, and told in all', async () => {
    const { queries } = await filled();
    const seen: (string | null)[] = [];
    let after: string | undefined;
    do {
      const page = TaskList.parse(await queries.tasks({ limit: 7, ...(after === undefined ? {} : { after }) }));
      expect(page.total).toBe(30);
      seen.push(...page.tasks.map(({ task: id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => `t-${29 - index}`));
  });

  test('hold what the filters name, each and together', async () => {
    const { queries } = await filled();
    const named = async (query: object) => {
      const { tasks, total } = await queries.tasks({ limit: 50, ...query });
      expect(total).toBe(tasks.length);
      return tasks.map(({ task: id }) => Number(id?.slice(2)));
    };
    expect(await named({ status: ['running'] })).toEqual([27, 24, 21, 18, 15, 12, 9, 6, 3, 0]);
    expect(await named({ status: ['running', 'failed'], workspace: 'even' })).toEqual([
      28, 24, 22, 18, 16, 12, 10, 6, 4, 0,
    ]);
    expect(await named({ tool: 'other' })).toEqual([4, 3, 2, 1, 0]);
    expect(await named({ run: 'RUN-20261120-002' })).toEqual([]);
    await expect(queries.tasks({ limit: 5, after: "1' OR '1" })).rejects.toMatchObject({ code: 'bad_request' });
  });

  test('a word filters by the texts, with the other filters, in pages', async () => {
    const { queries } = await filled();
    const ask = (query: object) => queries.tasks({ limit: 50, ...query });
    await until(
      () => ask({ q: 'thing' }),
      ({ total }) => total === 30,
    );
    expect((await ask({ q: 'title 7 th' })).tasks.map(({ task: id }) => id)).toEqual(['t-7']);
    expect((await ask({ q: 'thing', workspace: 'odd', status: ['running'] })).total).toBe(5);
    const first = await ask({ q: 'thing', limit: 4 });
    const second = await ask({ q: 'thing', limit: 4, after: first.next ?? '' });
    expect(second.tasks.map(({ task: id }) => id)).toEqual(['t-25', 't-24', 't-23', 't-22']);
    expect((await ask({ q: '"' })).total).toBe(0);
  });

  test('the first page tells what is at work, what asks for a person, what waits and what ended', async () => {
    const ground = new DashboardGround();
    await ground.says('task_started', task('works', running));
    const waiting = makeWaitingTask('plan', { id: 'gated' });
    await ground.says('approval_requested', waiting.record);
    await ground.says('review_requested', makeReviewTask({ record: { id: 'result' } }).record);
    await ground.says('task_accepted', task('waits'));
    await ground.says('task_ended', task('over', done));
    writeFileSync(
      join(ground.volumes, 'runs/queue.json'),
      JSON.stringify({ version: 1, paused: { since, by: 'ada', reason: 'x' }, breakers: [] }),
    );
    const { queries } = await ground.open();
    const now = Now.parse(await queries.now());
    const ids = (rows: Now['running']) => rows.map(({ task: id }) => id);
    expect([ids(now.running), ids(now.attention), ids(now.waiting), ids(now.ended)]).toEqual([
      ['works'],
      ['gated', 'result'],
      ['waits'],
      ['over'],
    ]);
    expect(now.counts).toEqual({ running: 1, pending: 1, review: 1, queued: 1, done: 1 });
    expect(now.queue?.paused?.by).toBe('ada');
    expect(now.troubles.map(({ name, status }) => [name, status])).toEqual([
      ['matrix-listener', 'silent'],
      ['runner', 'silent'],
    ]);
    expect(now.attention.map(({ actions }) => actions)).toEqual([
      ['approve', 'reject', 'cancel'],
      ['reject', 'merge', 'rebase', 'cancel'],
    ]);
    expect(now.ended[0]?.actions).toEqual([]);
    expect(now.attention[1]?.change).toMatchObject({ repositories: 1, files: 1, insertions: 2, deletions: 1 });
  });
});
