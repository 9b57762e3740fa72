import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FixtureServer } from '../../services/dashboard/page/testing/fixture-server.ts';
import { asking, question, row } from '../../services/dashboard/page/testing/fixture-tasks.ts';
import { launch, watch } from './support/browser.ts';
import { acting, foreignMarkup } from './support/markup.ts';
import { payloads } from './support/payloads.ts';

/** Fields whose text is somebody else's. */
const foreign = new Set(
  'title reason text value summary message what next blocker path file branch command model tool workspace name image state options default user'.split(
    ' ',
  ),
);
/** So many in one text. */
const atOnce = 30;
/** How many have gone through each field. */
const shownIn = new Map<string, number>();
let browser: Browser;
const statuses = ['running', 'pending', 'review', 'queued', 'failed'] as const;
/** The one task whose question has its answer. */
const answered = 90;
/** The one that is being cancelled. */
const cancelled = 5;
const answer = {
  outcome: 'answered' as const,
  text: 'words',
  channel: 'matrix' as const,
  user: '@ada:example.org',
  command: 'c0mmand-0123456789ab',
  at: '2026-01-02T03:04:05.000Z',
};
const server = new FixtureServer(
  payloads.map((payload, index) => {
    const status = statuses[index % statuses.length] ?? 'queued';
    const change = { repositories: 1, files: 1, insertions: 1, deletions: 1, flags: [payload] };
    const id = index.toString(16).padStart(16, '0');
    if (index === answered)
      return row({ task: `task-${index}`, status: 'running', question: question({ id, answer }) });
    if (index === cancelled)
      return row({ task: `task-${index}`, status: 'running', cancellation: { user: 'user', reason: 'reason' } });
    if (index % 90 === 0) return asking({ task: `task-${index}`, question: question({ id }) });
    return row({
      task: `task-${index}`,
      status,
      file: payload,
      title: payload,
      actions: ['cancel', 'retry', 'merge'],
      change,
    });
  }),
);

beforeAll(async () => {
  const attack = (field: string): string => {
    const before = shownIn.get(field) ?? 0;
    shownIn.set(field, before + atOnce);
    return Array.from({ length: atOnce }, (_, index) => payloads[(before + index) % payloads.length]).join(' ');
  };
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') return foreign.has(key) ? attack(key) : value;
    if (Array.isArray(value))
      return value.map((item) => poison(item, key === 'names' || key === 'changed' ? 'path' : key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, name)]));
  };
  server.transform = (path, answer) =>
    path.endsWith('.patch') ? { ...(answer as object), text: patch } : poison(answer);
  server.house.logLine = (index) => payloads[index % payloads.length] ?? '';
  await server.start();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const patch = payloads
  .map((payload) => payload.replaceAll(/[\n\r]/g, ' '))
  .map(
    (line) =>
      `diff --git a/${line} b/${line}\n--- a/${line}\n+++ b/${line}\n@@ -1,1 +1,1 @@ ${line}\n-${line}\n+${line}\n`,
  )
  .join('');
const paths = [
  '/',
  '/approvals',
  '/tasks',
  '/tasks?show=failed',
  ...[0, 1, 2, 3, 4, cancelled, answered].map((index) => `/tasks/task-${index}`),
  ...['plan', 'log', 'diff', 'handoff', 'context', 'attempts', 'file'].map((tab) => `/tasks/task-2?tab=${tab}`),
  '/tasks/task-0?tab=log',
  '/runs',
  '/log',
  '/charts',
  '/services',
  '/configuration',
  '/new',
  '/more',
  ...payloads.slice(0, 30).map((payload) => `/search?q=${encodeURIComponent(payload)}`),
  `/tasks/${encodeURIComponent(payloads[0] ?? '')}`,
  `/log/${encodeURIComponent(payloads[1] ?? '')}`,
];

test('W17 360 payloads through titles, names, plans, logs, diffs and searches run nothing and reach nobody', async () => {
  const { page, context, faults } = await watch(browser, server.url);
  const asked = new Set<string>();
  page.on('request', (request) => asked.add(new URL(request.url()).pathname));
  await page.addInitScript(`globalThis.ran = () => console.error('a script ran')`);
  let texts = '';
  for (const path of paths) {
    await page.goto(path);
    await page.locator('main h1').first().waitFor();
    await page.waitForLoadState('load');
    await page.waitForTimeout(120);
    server.emit({
      tasks: [row({ task: 'task-1', status: 'running', title: payloads[5] ?? '', reason: payloads[6] ?? '' })],
      output: payloads.map((text, at) => ({
        task: 'task-0',
        attempt: 1,
        part: 'run',
        stream: 'stdout',
        at: at * 1_000,
        text: `${text}\n`,
      })),
      log: [{ service: 'runner', at: 200_000_000, text: payloads[7] ?? '' }],
    });
    await page.waitForTimeout(60);
    await page.evaluate(`for (const details of document.querySelectorAll('main details')) details.open = true`);
    await page.waitForTimeout(100);
    texts += await page.locator('main').innerText();
    expect(await foreignMarkup(page), path).toEqual([]);
  }
  const rare = [...shownIn].filter(([, count]) => count < 300);
  expect(rare).toEqual([]);
  expect(shownIn.size).toBeGreaterThan(12);
  expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
  expect(
    [...asked].filter((path) => !/^\/(?:$|api\/|assets\/|icon|manifest|service-worker|[a-z]+(?:\/|$))/.test(path)),
  ).toEqual([]);
  expect(asked.has('/ran')).toBe(false);
  // They were really shown, as text.
  for (const shown of ['<script>ran(1)</script>', '<svg/onload=ran(1)>', '<img src=x onerror=ran(1)>'])
    expect(texts).toContain(shown);
  for (const character of acting) expect(texts).not.toContain(character);
  expect(texts).toContain('U+202E');
  await context.close();
}, 240_000);

test('W25 what is copied out of a log is what was seen, without a character that hides or acts', async () => {
  const { page, context } = await watch(browser, server.url);
  await page.goto('/log/runner');
  await page.locator('.log-line').first().waitFor();
  const copied = await page.evaluate(`
    getSelection().selectAllChildren(document.querySelector('main'));
    getSelection().toString();
  `);
  expect(copied).toContain('<img src=x onerror=');
  expect(copied).toContain('U+202E');
  for (const character of acting) expect(copied).not.toContain(character);
  await context.close();
});
