import type { TaskRow } from '@countersign/contracts/page-api.ts';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FixtureServer } from '../../services/dashboard/page/testing/fixture-server.ts';
import { asking, question, row } from '../../services/dashboard/page/testing/fixture-tasks.ts';
import { launch, picture, type Watched, watch } from './support/browser.ts';

let browser: Browser;
let server: FixtureServer;
let tab: Watched;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  server = new FixtureServer();
  await server.start();
  tab = await watch(browser, server.url, { size: 'phone' });
});
afterEach(async () => {
  await tab.context.close();
  await server.stop();
});

const { id } = question();
const sent = () => [...server.commands.values()];
const card = (task = 'a5k3d'): Locator => tab.page.locator(`[data-task="${task}"]`);
const option = (name: string, of = card()): Locator => of.getByRole('button', { name, exact: true });
/** The asking task as the house has it, with something changed; nobody is told. */
function change(fields: Partial<TaskRow>): TaskRow {
  const changed = { ...asking({ task: 'a5k3d' }), ...server.house.tasks.get('a5k3d'), ...fields };
  server.house.tasks.set('a5k3d', changed);
  return changed;
}

test('a question is answered by one tap, counts as what waits, and says what was answered and by whom', async () => {
  server.verdictMs = 400;
  await tab.page.goto('/');
  await tab.page.getByText('6 tasks wait for you').waitFor();
  expect(await tab.page.title()).toBe('(6) Now · Countersign');
  await option('9090').tap();
  await card().getByText('Sent. The runner has not answered yet.').waitFor();
  await card().getByText('operator answered “9090” on the page').waitFor();
  await tab.page.getByText('5 tasks wait for you').waitFor();
  expect(await tab.page.title()).toBe('(5) Now · Countersign');
  expect(await card().getByRole('button').count()).toBe(0);
  expect(sent()).toEqual([{ kind: 'answer', task: 'a5k3d', question: id, answer: '9090' }]);
  await picture(tab.page, 'question-answered-phone');
  expect(tab.faults).toEqual([]);
});

test('W27 two quick taps answer once', async () => {
  server.verdictMs = null;
  await tab.page.goto('/approvals');
  await tab.page.getByRole('heading', { name: 'Questions and approvals' }).waitFor();
  await option('any free one').dblclick();
  await card().getByText('Sent.').waitFor();
  expect(sent()).toHaveLength(1);
});

test('W27 who is second hears who was first, and sends nothing', async () => {
  await tab.page.goto('/approvals');
  await option('9090').waitFor();
  const answer = { outcome: 'answered', text: 'any free one', channel: 'matrix', user: '@ada:example.org' } as const;
  const at = new Date().toISOString();
  change({ question: question({ answer: { ...answer, command: 'c', at } }), wait: null, actions: ['cancel'] });
  await option('9090').tap();
  await card().getByText('@ada:example.org answered “any free one” in the room').waitFor();
  await card().getByText('this changed while you looked').waitFor();
  expect(sent()).toEqual([]);
});

test('an answer from elsewhere is told on every open page, and a task that asks again has a card of its own below', async () => {
  await tab.page.goto('/approvals');
  await option('9090').waitFor();
  server.answer(change({}), '8080, and stop what is there', '@ada:example.org', 'matrix');
  await card().getByText('@ada:example.org answered').waitFor();
  const again = question({ id: 'f'.repeat(16), number: 2, text: 'And which host?', options: ['::1'], default: null });
  server.emit({ tasks: [asking({ task: 'a5k3d', question: { ...again, asked_at: new Date().toISOString() } })] });
  await card().nth(1).getByText('And which host?').waitFor();
  expect(await card().nth(0).getByText('@ada:example.org answered').count()).toBe(1);
  await card().nth(1).getByText('the attempt is stopped').waitFor();
});

test('W15 of a stage that asks for a code it is not answered without six digits', async () => {
  change({ stage: 'prod', question: question({ needs_code: true }) });
  await tab.page.goto('/approvals');
  await option('9090').tap();
  await card().getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
  await picture(tab.page, 'question-code-phone');
  await card().getByLabel('One-time code').fill('123456');
  await option('9090').tap();
  await card().getByText('operator answered').waitFor();
  expect(sent()).toEqual([{ kind: 'answer', task: 'a5k3d', question: id, answer: '9090', code: '123456' }]);
});

test('without options it is any words', async () => {
  change({ question: question({ text: 'What is the\nrelease called?', options: [], default: null }) });
  await tab.page.goto('/tasks/a5k3d');
  const region = tab.page.getByRole('region', { name: 'Question', exact: true });
  await region.getByText('the attempt is stopped').waitFor();
  await region.getByRole('button', { name: 'Answer' }).tap();
  await region.getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
  await region.getByLabel('Your answer').fill('  Countersign 1.0 ');
  await picture(tab.page, 'question-words-phone');
  await region.getByRole('button', { name: 'Answer' }).tap();
  await region.getByText('operator answered “Countersign 1.0” on the page').waitFor();
  expect(sent()).toEqual([{ kind: 'answer', task: 'a5k3d', question: id, answer: 'Countersign 1.0' }]);
});

test('ten long answers and a long question stay within a small phone', async () => {
  const { page, context } = await watch(browser, server.url, { size: 'phone', width: 360 });
  const options = Array.from(
    { length: 10 },
    (_, index) => `${index}${(index % 2 === 0 ? 'x' : ' y').repeat(index * 4)}`,
  );
  change({ question: question({ text: `${'long '.repeat(300)}\n${'x'.repeat(400)}`, options, default: null }) });
  for (const path of ['/', '/approvals', '/tasks/a5k3d']) {
    await page.goto(path);
    await page.getByRole('group', { name: 'Answers that the tool offers' }).getByRole('button').nth(9).waitFor();
    expect(await page.evaluate(`document.documentElement.scrollWidth`), path).toBe(360);
  }
  await picture(page, 'question-long-phone');
  await context.close();
});

test('a refusal is said, and another answer may be given', async () => {
  server.verdictMs = null;
  change({ stage: 'prod', question: question({ needs_code: true }) });
  await tab.page.goto('/approvals');
  await card().getByLabel('One-time code').fill('123456');
  await option('9090').tap();
  await card().getByText('Sent.').waitFor();
  for (const [command] of server.house.verdicts)
    server.house.verdicts.set(command, { id: command, verdict: 'refused', message: 'the code was used already' });
  await card().getByText('the code was used already').waitFor();
  expect(await option('9090').isEnabled()).toBe(true);
});

describe('time', () => {
  test('counts down, and says what silence comes to', async () => {
    change({ question: question({ deadline: new Date(Date.now() + 65_000).toISOString() }) });
    await tab.page.goto('/approvals');
    await card().getByText('the tool is told “9090”').waitFor();
    await card()
      .getByText(/^1 m 0\d s$/)
      .waitFor();
    await card()
      .getByText(/^5\d s$/)
      .waitFor({ timeout: 20_000 });
  });

  test.each([
    ['default', { outcome: 'default', text: '9090' }, 'The tool was told its default, “9090”'],
    ['stopped', { outcome: 'stopped' }, 'the attempt was stopped'],
    ['withdrawn', { outcome: 'withdrawn' }, 'does not wait any more'],
  ] as const)('that ran out ends it: %s', async (_, end, words) => {
    await tab.page.goto('/approvals');
    await option('9090').waitFor();
    const answer = { ...end, at: new Date().toISOString() };
    server.emit({ tasks: [row({ task: 'a5k3d', status: 'running', question: question({ answer }) })] });
    await card().getByText(words).waitFor();
    expect(await card().getByRole('button').count()).toBe(0);
  });
});

test('a question that comes in by itself is there at once, and counts on every page', async () => {
  server.house.tasks.delete('a5k3d');
  await tab.page.goto('/tasks');
  const counts = (count: number) => tab.page.getByRole('link', { name: new RegExp(`^Approvals ?${count} waiting`) });
  await counts(5).waitFor();
  server.emit({ tasks: [asking({ task: 'a5k3d' })] });
  await counts(6).waitFor();
  await tab.page.getByRole('button', { name: 'Waiting for you' }).tap();
  await tab.page.getByText('6 tasks').waitFor();
  await tab.page.getByText('Asks you').waitFor();
});

test('an answer needs no more than the keyboard, and whoever listens hears it', async () => {
  const { page, context } = await watch(browser, server.url, { size: 'desk' });
  await page.goto('/approvals');
  await page.locator('[data-task="a5k3d"]').waitFor();
  await page.keyboard.press('j');
  for (let presses = 0; presses < 6; presses += 1) {
    if ((await page.evaluate(`document.activeElement.textContent`)) === '9090') break;
    await page.keyboard.press('Tab');
  }
  expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe('solid');
  expect(await page.getByRole('group', { name: 'Answers that the tool offers' }).getByRole('button').count()).toBe(3);
  await page.keyboard.press('Enter');
  await page.locator('[data-task="a5k3d"]').getByRole('status').getByText('operator answered “9090”').waitFor();
  await picture(page, 'question-answered-desk');
  expect(sent()).toEqual([{ kind: 'answer', task: 'a5k3d', question: id, answer: '9090' }]);
  await context.close();
});
