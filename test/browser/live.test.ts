import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FixtureServer } from '../../services/dashboard/page/testing/fixture-server.ts';
import { row } from '../../services/dashboard/page/testing/fixture-tasks.ts';
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
  tab = await watch(browser, server.url);
});
afterEach(async () => {
  await tab.context.close();
  await server.stop();
});

/** As when another tab is in front of it. */
async function setHidden(hidden: boolean): Promise<void> {
  await tab.page.evaluate(`
    Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
}

test('a change is on the screen within 300 ms at the 95th percentile', async () => {
  await tab.page.goto('/');
  await tab.page.getByText('6 tasks wait for you').waitFor();
  await tab.page.evaluate(`
    globalThis.seen = new Map();
    const look = () => {
      for (const found of document.body.innerText.matchAll(/change-(\\d+)/g))
        if (!seen.has(found[1])) seen.set(found[1], Date.now());
      requestAnimationFrame(look);
    };
    look();
  `);
  const emitted: number[] = [];
  for (let change = 0; change < 40; change += 1) {
    emitted.push(Date.now());
    server.emit({ tasks: [row({ task: 'k7m2p', status: 'running', title: `change-${change}` })] });
    await tab.page.waitForTimeout(60);
  }
  await tab.page.getByText('change-39').first().waitFor();
  const seen = new Map((await tab.page.evaluate(`[...seen]`)) as [string, number][]);
  const delays = emitted
    .map((at, change) => (seen.get(String(change)) ?? Number.POSITIVE_INFINITY) - at)
    .toSorted((a, b) => a - b);
  const p95 = delays[Math.floor(delays.length * 0.95)] ?? Number.POSITIVE_INFINITY;
  process.stderr.write(`event to pixel: p50 ${delays[20]} ms, p95 ${p95} ms\n`);
  expect(p95).toBeLessThan(300);
});

test('a task that is being cancelled says who decided it and why, wherever it is shown', async () => {
  await tab.page.goto('/');
  await tab.page.getByText('6 tasks wait for you').waitFor();
  const cancellation = { user: '@ada:example.org', reason: 'wrong branch' };
  const words = 'being cancelled, as @ada:example.org decided: wrong branch';
  server.emit({ tasks: [row({ task: 'k7m2p', status: 'running', cancellation, actions: [] })] });
  const running = tab.page.locator('article').filter({ hasText: words });
  await running.getByText('Being cancelled', { exact: true }).waitFor();
  for (const path of ['/tasks', '/tasks/k7m2p']) {
    await tab.page.goto(path);
    await tab.page.getByText(words).waitFor();
    await tab.page.getByText('Being cancelled', { exact: true }).waitFor();
  }
});

test('a tab that nobody looks at holds no stream, and shows what happened meanwhile when it is looked at', async () => {
  await tab.page.goto('/');
  await tab.page.getByText('6 tasks wait for you').waitFor();
  await expect.poll(() => server.streams).toBe(1);
  await setHidden(true);
  await expect.poll(() => server.streams).toBe(0);
  const task = server.house.tasks.get('a2b3c');
  if (task !== undefined) server.emit({ tasks: [{ ...task, status: 'approved', actions: [] }] });
  await setHidden(false);
  await tab.page.getByText('5 tasks wait for you').waitFor();
  await expect.poll(() => server.streams).toBe(1);
  expect(await tab.page.locator('.banner .lost').count()).toBe(0);
});

test.each(['at the first look', 'when the stream is back'])(
  'what changes while everything is asked for is shown: %s',
  async (when) => {
    const first = when === 'at the first look';
    let asked = 0;
    server.transform = (path, answer) => {
      if (path !== '/api/now' || ++asked !== (first ? 1 : 2)) return answer;
      server.emit({ tasks: [row({ task: 'k7m2p', status: 'running', title: 'by another name' })] });
      return answer;
    };
    await tab.page.goto('/');
    await expect.poll(() => server.streams).toBe(1);
    if (!first) {
      await setHidden(true);
      await expect.poll(() => server.streams).toBe(0);
      await setHidden(false);
    }
    await tab.page.locator('article').getByText('by another name').waitFor();
    await expect.poll(() => asked).toBe(first ? 1 : 2);
  },
);

test('W13 what the page asks by itself says so, and what somebody looks at does not', async () => {
  const asked: boolean[] = [];
  tab.page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname === '/api/approvals') asked.push(request.headers()['x-countersign-by-itself'] !== undefined);
  });
  await tab.page.goto('/approvals');
  await tab.page.locator('[data-task="a2b3c"]').waitFor();
  await expect.poll(() => server.streams).toBe(1);
  const task = server.house.tasks.get('a2b3c');
  if (task !== undefined) server.emit({ tasks: [{ ...task, title: 'by another name' }] });
  await tab.page.getByText('by another name').waitFor();
  expect(asked[0]).toBe(false);
  expect(asked.at(-1)).toBe(true);
});

test('how the services are is asked for again while somebody looks', async () => {
  await tab.page.goto('/services');
  await tab.page.getByText('launcher', { exact: true }).waitFor();
  server.house.services = server.house.services.map((service) => ({ ...service, reason: 'said a moment ago' }));
  await tab.page.getByText('said a moment ago').first().waitFor();
});

test.each(['/runs', '/charts'])('%s is asked for again when tasks change, once for many of them', async (path) => {
  let asked = 0;
  tab.page.on('request', (request) => {
    if (new URL(request.url()).pathname === `/api${path}`) asked += 1;
  });
  await tab.page.goto(path);
  await tab.page.locator('main .sheet, main figure').first().waitFor();
  await expect.poll(() => server.streams).toBe(1);
  const before = asked;
  for (let change = 0; change < 5; change += 1)
    server.emit({ tasks: [row({ task: 'k7m2p', status: 'running', title: `change-${change}` })] });
  await expect.poll(() => asked, { timeout: 30_000 }).toBe(before + 1);
});

test('while the dashboard makes its index anew, every page says that it may be old', async () => {
  await tab.page.goto('/');
  await expect.poll(() => server.streams).toBe(1);
  const troubles = server.house.services
    .filter(({ name }) => name === 'dashboard')
    .map((service) => ({ ...service, status: 'waiting' as const, reason: 'the index is being made' }));
  server.emit({ troubles });
  await tab.page.getByText('what you see may be old: the index is being made').waitFor();
  server.emit({ troubles: [] });
  await tab.page.getByText('may be old').waitFor({ state: 'detached' });
});

test('output comes as it is written, in its colours, and twice is once', async () => {
  await tab.page.goto('/');
  const output = tab.page.getByRole('region', { name: 'Output: k7m2p' });
  await output.waitFor();
  await tab.page.waitForTimeout(300);
  const piece = {
    task: 'k7m2p',
    attempt: 1,
    part: 'run' as const,
    stream: 'stdout' as const,
    at: 0,
    text: '\u001b[32mgreen\u001b[0m words\n',
  };
  server.emit({ output: [piece] });
  server.emit({ output: [piece] });
  await output.locator('.ansi-green').waitFor();
  expect((await output.innerText()).trim()).toBe('green words');
});

test('a log of a million lines is read where one looks: from its end, from the middle, and on from there', async () => {
  await tab.page.goto('/log');
  const lines = tab.page.getByRole('region', { name: 'Lines' });
  await lines.getByText('place=999998').waitFor();
  server.emit({ log: [{ service: 'runner', at: 1_000_000 * 120, text: 'one line more' }] });
  await lines.getByText('one line more').waitFor();
  await tab.page.getByLabel('Place in the log').fill(String(500_000 * 120));
  await lines.getByText('place=500001', { exact: false }).first().waitFor();
  for (let wheel = 0; wheel < 30; wheel += 1) {
    await tab.page.evaluate(`document.querySelector('.log-lines').scrollTop += 2_000`);
    await tab.page.waitForTimeout(30);
  }
  const places = ((await lines.innerText()).match(/place=(\d+)/g) ?? []).map((found) => Number(found.slice(6)));
  expect(Math.min(...places)).toBeGreaterThan(502_000);
  expect(places.toSorted((a, b) => a - b)).toEqual(places);
  expect(await lines.locator('.log-line').count()).toBeLessThan(200);
  expect(tab.faults).toEqual([]);
});

test('a log is scrolled through without a standstill', async () => {
  await tab.page.goto('/log');
  const lines = tab.page.getByRole('region', { name: 'Lines' });
  await lines.getByText('place=999998').waitFor();
  const frames = (await tab.page.evaluate(`(async () => {
    const element = document.querySelector('.log-lines');
    const gaps = [];
    let last = performance.now();
    for (let frame = 0; frame < 120; frame += 1) {
      element.scrollTop -= 120;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }
    return gaps.sort((a, b) => a - b);
  })()`)) as number[];
  process.stderr.write(`frames while scrolling: p50 ${frames[60]?.toFixed(1)} ms, p95 ${frames[114]?.toFixed(1)} ms\n`);
  // A machine without a graphics processor, with other work on it.
  expect(frames[60]).toBeLessThan(100);
});

test('a filter shows the lines that hold the words, and looks further back when asked', async () => {
  await tab.page.goto('/log');
  const lines = tab.page.getByRole('region', { name: 'Lines' });
  await lines.getByText('place=999998').waitFor();
  await tab.page.getByLabel('Filter the lines').fill('place=985500');
  await tab.page.getByRole('button', { name: 'Look further back' }).click();
  await lines.getByText('place=985500').waitFor();
});

test('W12 the worker keeps hashed files and nothing else', async () => {
  await tab.page.goto('/');
  await tab.page.evaluate(`navigator.serviceWorker.ready`);
  await tab.page.reload();
  await tab.page.getByText('6 tasks wait for you').waitFor();
  await tab.page.goto('/charts');
  await tab.page.getByText('Tokens by model').first().waitFor();
  const kept = (await tab.page.evaluate(`
    caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name))))
      .then((open) => Promise.all(open.map((cache) => cache.keys())))
      .then((keys) => keys.flat().map(({ url }) => new URL(url).pathname))
  `)) as string[];
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.filter((path) => !/^\/assets\/[\w.-]+-[\w-]{8}\.(?:js|css)$/.test(path))).toEqual([]);
  expect(tab.faults).toEqual([]);
});
