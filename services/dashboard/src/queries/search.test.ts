import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SearchResults } from '@countersign/contracts/page-api.ts';
import { describe, expect, test } from 'vitest';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';
import { at, done, running, task } from '../testing/records.ts';

describe('search', () => {
  test('finds words of tasks, plans and handoffs, the best first, with excerpts in pieces and no markup', async () => {
    const ground = new DashboardGround();
    const one = task('one', running, { title: 'Mend the <b>gateway</b>' });
    ground.write(one, 'task.md', 'workspace: demo\n\nMend it.\n');
    ground.write(one, 'attempts/1/plan.md', 'First look at the socket.\u0001 Then the \u0002 parser of the gateway.');
    ground.write(one, 'attempts/1/handoff.yaml', 'what: the café is closed');
    await ground.says('task_started', one);
    const { queries } = await ground.open();
    const find = async (q: string) => SearchResults.parse(await queries.search(q)).results;
    await until(
      () => find('socket'),
      (found) => found.length === 1,
    );
    expect((await find('socket'))[0]).toMatchObject({ row: { task: 'one' }, found_in: 'plan' });
    expect((await find('CAFE'))[0]).toMatchObject({ found_in: 'handoff' });
    const [result] = await find('gate');
    expect(result?.excerpt.filter(({ found }) => found).map(({ text }) => text)).toEqual(['gateway']);
    expect(result?.excerpt.map(({ text }) => text).join('')).toContain('<b>gateway</b>');
  });

  test('names come first, then texts with the whole word, then texts with a word that begins so; of each the newest', async () => {
    const ground = new DashboardGround();
    const texts: readonly [id: string, title: string, text: string][] = [
      ['t1', 'Other', 'about giraffes'],
      ['t2', 'Giraffe house', 'about it'],
      ['t3', 'Other', 'one giraffe'],
      ['t4', 'Giraffes', 'about them'],
      ['t5', 'Other', 'two giraffes'],
      ['t6', 'Other', 'the last giraffe'],
      ['t7', 'Other', 'no such animal'],
    ];
    for (const [index, [id, title, text]] of texts.entries()) {
      const record = task(id, running, { title, accepted_at: at(index) });
      ground.write(record, 'task.md', text);
      await ground.says('task_started', record);
    }
    const { queries } = await ground.open();
    const find = async (q: string) => (await queries.search(q)).results.map(({ row }) => row.task);
    await until(
      () => find('animal'),
      (found) => found.length === 1,
    );
    expect(await find('giraffe')).toEqual(['t4', 't2', 't6', 't3', 't5', 't1']);
    expect(await find('giraffes')).toEqual(['t4', 't5', 't1']);
    expect(await find('other giraffe')).toEqual(['t6', 't3', 't5', 't1']);
    expect(await find('house giraf')).toEqual(['t2']);
  });

  test('W16 what only a link leads to, of a file or of a folder, is not found', async () => {
    const ground = new DashboardGround();
    const one = task('one', running);
    mkdirSync(join(ground.volumes, 'elsewhere'), { recursive: true });
    writeFileSync(join(ground.volumes, 'elsewhere/plan.md'), 'elephants');
    const plain = ground.write(one, 'task.md', 'workspace: demo\n\nzebras\n');
    symlinkSync(join(ground.volumes, 'elsewhere/plan.md'), join(plain, '../objective.md'));
    mkdirSync(join(plain, '../attempts'));
    symlinkSync(join(ground.volumes, 'elsewhere'), join(plain, '../attempts/1'));
    await ground.says('task_started', one);
    const { queries } = await ground.open();
    await until(
      () => queries.search('zebras'),
      ({ results }) => results.length === 1,
    );
    expect((await queries.search('elephants')).results).toEqual([]);
  });

  test('a new plan takes the place of the one before', async () => {
    const ground = new DashboardGround();
    const one = task('one', running);
    ground.write(one, 'attempts/1/plan.md', 'elephants');
    await ground.says('task_started', one);
    const { queries } = await ground.open();
    await until(
      () => queries.search('elephants'),
      ({ results }) => results.length === 1,
    );
    ground.write(one, 'attempts/1/plan.md', 'giraffes');
    await ground.says('task_ended', task('one', done));
    await until(
      () => queries.search('giraffes'),
      ({ results }) => results.length === 1,
    );
    expect((await queries.search('elephants')).results).toEqual([]);
  });

  test.each([
    '"',
    "'",
    'a AND b',
    'NEAR(a b)',
    'text:one',
    '* one',
    'one*',
    '^one',
    '-one',
    '{text}: one',
    'a\0b',
    '"one" OR "two"',
    '((((',
    '\u0001',
    '\ud800',
    '🦒',
    'a'.repeat(200),
    '- '.repeat(90),
    '%_;--',
  ])('what would be an operator is a word: %j', async (q) => {
    const ground = new DashboardGround();
    await ground.says('task_started', task('one', running, { title: 'two' }));
    const { queries, index } = await ground.open();
    await until(
      () => queries.search('two'),
      ({ results }) => results.length === 1,
    );
    SearchResults.parse(await queries.search(q));
    expect(index.standing.isReady).toBe(true);
  });

  test('more than a query may have is refused', async () => {
    const { queries } = await new DashboardGround().open();
    await expect(queries.search('x'.repeat(201))).rejects.toMatchObject({ code: 'bad_request' });
    expect(await queries.search('')).toEqual({ results: [] });
  });
});
