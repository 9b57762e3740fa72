import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../services/dashboard/page/testing/fixture-diff.ts';
import { FixtureServer } from '../../services/dashboard/page/testing/fixture-server.ts';
import { launch, type Watched, watch } from './support/browser.ts';

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

const sent = () => [...server.commands.values()];
const card = (task: string): Locator => tab.page.locator(`[data-task="${task}"]`);

test('an approval is one tap, names the digest that was shown, and says what came of it', async () => {
  server.verdictMs = 400;
  await tab.page.goto('/approvals');
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await card('a2b3c').getByText('Sent. The runner has not answered yet.').waitFor();
  await card('a2b3c').waitFor({ state: 'detached' });
  expect(sent()).toEqual([{ kind: 'approve', task: 'a2b3c', digest: digestOf('a2b3c 1') }]);
  expect(tab.faults).toEqual([]);
});

test('W27 two quick taps decide once', async () => {
  server.verdictMs = null;
  await tab.page.goto('/approvals');
  await card('a2b3c').getByRole('button', { name: 'Approve' }).dblclick();
  await card('a2b3c').getByText('Sent.').waitFor();
  expect(sent()).toHaveLength(1);
});

test('W27 a tap whose answer was lost is sent again as the same one, and so is the next tap', async () => {
  server.verdictMs = null;
  server.losesAnswers = true;
  await tab.page.goto('/approvals');
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await card('a2b3c').getByText('No answer came: it may have been sent.').waitFor({ timeout: 30_000 });
  server.losesAnswers = false;
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await card('a2b3c').getByText('Sent. The runner has not answered yet.').waitFor();
  expect(sent()).toEqual([{ kind: 'approve', task: 'a2b3c', digest: digestOf('a2b3c 1') }]);
});

test('a rejection asks for a reason, which may be one tap', async () => {
  await tab.page.goto('/approvals');
  await card('a2b3c').getByRole('button', { name: 'Reject' }).tap();
  const sheet = tab.page.getByRole('dialog');
  await sheet.getByRole('button', { name: 'Reject' }).tap();
  await sheet.getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
  await sheet.getByRole('button', { name: 'Wrong files' }).tap();
  await sheet.getByRole('button', { name: 'Reject' }).tap();
  await card('a2b3c').waitFor({ state: 'detached' });
  expect(sent()).toEqual([{ kind: 'reject', task: 'a2b3c', digest: digestOf('a2b3c 1'), reason: 'Wrong files' }]);
});

test('W27 what changed meanwhile is refused, shown anew, and not decided by the second of two taps', async () => {
  await tab.page.goto('/approvals');
  await card('a2b3c').getByText('shop, shop-web').waitFor();
  server.changeFacts('a2b3c');
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await card('a2b3c').getByText('this changed while you looked').waitFor();
  await card('a2b3c').getByText('shop, shop-web, infrastructure').waitFor();
  expect(await card('a2b3c').getByRole('button', { name: 'Approve' }).count()).toBe(0);
  expect(sent()).toEqual([]);
  await card('a2b3c').getByRole('button', { name: 'I have read it' }).tap();
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await card('a2b3c').waitFor({ state: 'detached' });
  expect(sent()).toEqual([{ kind: 'approve', task: 'a2b3c', digest: digestOf('a2b3c 2') }]);
});

test('W15 a stage that asks for a code is not approved without six digits', async () => {
  await tab.page.goto('/approvals');
  await card('prod-keys').getByRole('button', { name: 'Approve' }).tap();
  await card('prod-keys').getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
  await card('prod-keys').getByLabel('One-time code').fill('123456');
  await card('prod-keys').getByRole('button', { name: 'Approve' }).tap();
  await card('prod-keys').waitFor({ state: 'detached' });
  expect(sent()).toEqual([{ kind: 'approve', task: 'prod-keys', digest: digestOf('prod-keys 1'), code: '123456' }]);
});

test('W15 nor is a result of it merged', async () => {
  const task = server.house.tasks.get('m8n4k');
  if (task !== undefined) server.house.tasks.set('m8n4k', { ...task, stage: 'prod' });
  await tab.page.goto('/approvals');
  await card('m8n4k').getByRole('button', { name: 'Merge' }).tap();
  await card('m8n4k').getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
  await card('m8n4k').getByLabel('One-time code').fill('654321');
  await card('m8n4k').getByRole('button', { name: 'Merge' }).tap();
  await card('m8n4k').waitFor({ state: 'detached' });
  expect(sent()).toEqual([{ kind: 'merge', task: 'm8n4k', digest: digestOf('diff'), code: '654321' }]);
});

test('a result that nothing verified is merged only when one says so', async () => {
  await tab.page.goto('/tasks/r3v1w');
  const review = tab.page.getByRole('region', { name: 'Review' });
  await review.getByText('commit it or stash it').waitFor();
  await review.getByRole('button', { name: 'Merge' }).tap();
  await review.getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
  await review.getByLabel('although nothing was verified').check();
  await review.getByRole('button', { name: 'Merge' }).tap();
  await tab.page.getByText('Merging').first().waitFor();
  expect(sent()).toEqual([{ kind: 'merge', task: 'r3v1w', digest: digestOf('diff'), unverified: true }]);
});

test('what was ticked for a result says nothing of the one that took its place', async () => {
  await tab.page.goto('/tasks/r3v1w');
  const review = tab.page.getByRole('region', { name: 'Review' });
  await review.getByLabel('although nothing was verified').check();
  server.changeFacts('r3v1w');
  const task = server.house.tasks.get('r3v1w');
  if (task !== undefined) server.emit({ tasks: [task] });
  await review.getByRole('button', { name: 'I have read it' }).waitFor();
  expect(await review.getByRole('button', { name: 'Merge' }).count()).toBe(0);
  await review.getByRole('button', { name: 'I have read it' }).tap();
  expect(await review.getByLabel('although nothing was verified').isChecked()).toBe(false);
  await review.getByRole('button', { name: 'Merge' }).tap();
  await review.getByRole('alert').waitFor();
  expect(sent()).toEqual([]);
});

test('a result whose merge was begun and came back is decided again', async () => {
  server.verdictMs = null;
  await tab.page.goto('/tasks/m8n4k');
  const review = tab.page.getByRole('region', { name: 'Review' });
  await review.getByRole('button', { name: 'Merge' }).tap();
  await review.getByText('Sent.').waitFor();
  for (const id of server.house.verdicts.keys())
    server.house.verdicts.set(id, { id, verdict: 'accepted', message: 'it is merged next' });
  await review.getByText('it is merged next').waitFor();
  await review.getByRole('button', { name: 'Merge', disabled: true }).waitFor();
  const task = server.house.tasks.get('m8n4k');
  if (task !== undefined) server.emit({ tasks: [{ ...task, since: new Date().toISOString() }] });
  await review.getByRole('button', { name: 'Merge', disabled: false }).waitFor();
});

test('a tap while the runner is away is kept, and the page says so', async () => {
  server.verdictMs = null;
  server.house.services = server.house.services.map((service) =>
    service.name === 'runner' ? { ...service, status: 'silent', reason: 'its last word is 3 m old' } : service,
  );
  await tab.page.goto('/approvals');
  await tab.page.getByText('runner does not answer: its last word is 3 m old').waitFor();
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await card('a2b3c').getByText('it decides as soon as it runs again').waitFor();
});

test('the server goes and comes back: the page says so, and shows what happened meanwhile by itself', async () => {
  await tab.page.goto('/');
  await tab.page.getByText('6 tasks wait for you').waitFor();
  await server.stop();
  await tab.page.getByText('The server does not answer').waitFor();
  const task = server.house.tasks.get('a2b3c');
  if (task !== undefined) server.house.tasks.set('a2b3c', { ...task, status: 'approved' });
  await server.start();
  await tab.page.getByText('5 tasks wait for you').waitFor();
  expect(await tab.page.getByText('The server does not answer').count()).toBe(0);
});

test('a browser that is offline says so and comes back', async () => {
  await tab.page.goto('/');
  await tab.page.getByText('6 tasks wait for you').waitFor();
  await tab.context.setOffline(true);
  await tab.page.getByText('You are offline').waitFor();
  await tab.context.setOffline(false);
  await tab.page.getByText('You are offline').waitFor({ state: 'detached' });
});

test('a session that ends leads to the page that says how to get in, and back from it', async () => {
  await tab.page.goto('/approvals');
  await card('a2b3c').waitFor();
  server.signedIn = false;
  await card('a2b3c').getByRole('button', { name: 'Approve' }).tap();
  await tab.page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
  await tab.page.getByText('scripts/up', { exact: true }).waitFor();
  expect(sent()).toEqual([]);
  server.signedIn = true;
  // What was there stands again at once, and the page is loaded anew behind it: a tab that is closed meanwhile may hang.
  const loaded = tab.page.waitForEvent('load');
  await tab.page.evaluate(`dispatchEvent(new Event('focus'))`);
  await loaded;
  await card('a2b3c').waitFor();
});

test('an approval needs no more than the keyboard', async () => {
  const { page, context } = await watch(browser, server.url, { size: 'desk' });
  await page.goto('/');
  await page.getByText('6 tasks wait for you').waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await page.locator('[data-task="a2b3c"]').waitFor();
  for (let task = 0; task < 3; task += 1) await page.keyboard.press('j');
  for (let presses = 0; presses < 12; presses += 1) {
    if ((await page.evaluate(`document.activeElement.textContent`)) === 'Approve') break;
    await page.keyboard.press('Tab');
  }
  expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe('solid');
  await page.keyboard.press('Enter');
  await page.locator('[data-task="a2b3c"]').waitFor({ state: 'detached' });
  expect(sent()).toEqual([{ kind: 'approve', task: 'a2b3c', digest: digestOf('a2b3c 1') }]);
  await context.close();
});

test('keys are letters in a field, and dialogs keep the focus and give it back', async () => {
  const { page, context } = await watch(browser, server.url, { size: 'desk' });
  await page.goto('/tasks/k7m2p');
  await page.getByRole('button', { name: 'Cancel the task' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('g a?');
  expect(await page.locator('#search').inputValue()).toBe('g a?');
  expect(new URL(page.url()).pathname).toBe('/tasks/k7m2p');
  await page.getByRole('button', { name: 'Cancel the task' }).press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.evaluate(`document.activeElement.textContent`)).toBe('Cancel the task');
  await context.close();
});

test('single keys do nothing once they were turned off, also after the page was loaded again', async () => {
  const { page, context } = await watch(browser, server.url, { size: 'desk' });
  const keys = page.getByLabel('Single keys');
  const focused = () => page.evaluate(`document.activeElement.id`);
  await page.goto('/more');
  await keys.waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByRole('link', { name: 'More' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await keys.uncheck();
  await page.reload();
  await keys.waitFor();
  expect(await keys.isChecked()).toBe(false);
  await page.locator('main h1').focus();
  await page.keyboard.press('/');
  expect(await focused()).not.toBe('search');
  await keys.check();
  await page.locator('main h1').focus();
  await page.keyboard.press('/');
  expect(await focused()).toBe('search');
  await context.close();
});

test('a service is stopped after one has said so twice', async () => {
  await tab.page.goto('/services');
  await tab.page.getByRole('button', { name: 'Stop matrix-listener' }).tap();
  await tab.page.getByRole('dialog').getByText('may decide nothing until it is started again').waitFor();
  expect(sent()).toEqual([]);
  await tab.page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).tap();
  await tab.page.getByText('service_stop: accepted').waitFor();
  expect(sent()).toEqual([{ kind: 'service_stop', service: 'matrix-listener' }]);
});

test.each([
  { now: 'waits, and nobody says how its container is', status: 'waiting', container: null, can: 'Stop' },
  { now: 'is silent, and nobody says how its container is', status: 'silent', container: null, can: 'Start' },
  {
    now: 'said a moment ago that all is well, and has ended',
    status: 'ok',
    container: { state: 'exited', started_at: null, restarts: 0, image: 'countersign/matrix-listener:0.1.0' },
    can: 'Start',
  },
  {
    now: 'fails at each start',
    status: 'failing',
    container: { state: 'restarting', started_at: null, restarts: 9, image: 'countersign/matrix-listener:0.1.0' },
    can: 'Stop',
  },
] as const)('of a service that $now, the page offers: $can', async ({ status, container, can }) => {
  server.house.services = server.house.services.map((service) =>
    service.name === 'matrix-listener' ? { ...service, status, container } : service,
  );
  await tab.page.goto('/services');
  const isOffered = (word: string) => tab.page.getByRole('button', { name: `${word} matrix-listener` }).isEnabled();
  await tab.page.getByRole('button', { name: 'Stop matrix-listener' }).waitFor();
  expect({ Start: await isOffered('Start'), Stop: await isOffered('Stop') }).toEqual({
    Start: can === 'Start',
    Stop: can === 'Stop',
  });
});

test('a new task is the file that the form showed', async () => {
  await tab.page.goto('/new');
  await tab.page.getByRole('combobox', { name: 'Workspace' }).fill('shop');
  await tab.page.getByLabel('Title').fill('Greet the visitor');
  await tab.page.getByLabel('What is to be done').fill('Create docs/greeting.md.');
  await tab.page.getByLabel('Stage').selectOption({ label: 'canary, asks me first' });
  const shown = await tab.page.getByRole('region', { name: 'The task file' }).innerText();
  await tab.page.getByRole('button', { name: 'Drop it in the inbox' }).tap();
  await tab.page.getByText('submit: accepted').waitFor();
  const [command] = sent();
  expect(command).toMatchObject({ kind: 'submit', file: expect.stringMatching(/^greet-the-visitor-\d{12}\.md$/) });
  expect(command).toHaveProperty('content', `${shown.trimEnd()}\n`);
  expect(shown).toContain('stage: canary');
});
