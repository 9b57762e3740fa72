/**
 * How soon the page is there on a phone, and how soon it shows what happens: the dashboard, its door and Chromium, over a house of its
 * own. Prints only. Needs Chromium, which `scripts/test browser` installs, and builds the page.
 *
 *     node bench/dashboard-page.ts [--tasks 1000] [--visits 15] [--events 100] [--streams 100] [--json]
 *
 * A visit is a first one, with nothing in the browser's cache, on a slow phone: 150 ms for each request, 1.6 Mbit/s down, 750 kbit/s
 * up, a processor four times slower than this one. Columns, each median and 95th percentile in ms: from its beginning to the first
 * paint, and to the tasks being shown; of an event, from its line on disk to the frame in which a page on a desk shows it, while so
 * many streams are open, and to the last of these streams.
 */

import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, Cookie, Page } from 'playwright-core';
import { runDashboard } from '../services/dashboard/src/create-dashboard.ts';
import { LoginToken } from '../services/dashboard/src/session/login-token.ts';
import { writeSyntheticHome } from '../services/dashboard/src/testing/synthetic-home.ts';
import { createDoor } from '../services/door/src/door.ts';
import { launch } from '../test/browser/support/browser.ts';
import { setup as buildPage } from '../test/browser/support/build-page.ts';
import { freePort } from '../test/support/free-port.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000' },
    visits: { type: 'string', default: '15' },
    events: { type: 'string', default: '100' },
    streams: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
});
const phone = { latencyMs: 150, downBytes: 1_600_000 / 8, upBytes: 750_000 / 8, slowdown: 4 };
const root = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
const volumes = join(root, 'volumes');
await buildPage();
await writeSyntheticHome(volumes, { tasks: Number(values.tasks), texts: Number(values.tasks) });
for (const name of ['configs', 'spool', 'logs']) mkdirSync(join(root, name));
const token = 'T'.repeat(43);
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const stop = new AbortController();
const running = runDashboard(
  {
    volumes,
    configs: join(root, 'configs'),
    spool: join(root, 'spool'),
    index: join(root, 'index'),
    logs: join(root, 'logs'),
    socket: join(root, 'page.sock'),
    servicesSocket: join(root, 'services.sock'),
    page: join(import.meta.dirname, '../services/dashboard/page/dist'),
    port,
    hosts: [],
    user: 'operator',
    logLevel: 'error',
  },
  { token: new LoginToken(token), key: generateKeyPairSync('ed25519').privateKey },
  stop.signal,
);
const door = createDoor(join(root, 'page.sock'), 512).listen(port, '127.0.0.1');
const cookies = await signIn();
const browser = await launch();
try {
  const visits = [];
  for (let visit = 0; visit < Number(values.visits); visit += 1) visits.push(await firstVisit(browser));
  const told = await events(browser, Number(values.events), Number(values.streams));
  const figures = {
    first_paint_ms: spread(visits.map(({ paint }) => paint)),
    tasks_shown_ms: spread(visits.map(({ tasks }) => tasks)),
    event_to_pixel_ms: spread(told.pixel),
    event_to_last_stream_ms: spread(told.last),
    streams: told.streams,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else
    for (const [name, value] of Object.entries(figures))
      process.stdout.write(`${name.padEnd(26)}${JSON.stringify(value)}\n`);
} finally {
  await browser.close();
  stop.abort();
  door.close();
  await running;
  rmSync(root, { recursive: true });
}

function spread(all: readonly number[]): { median: number; p95: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { median: at(0.5), p95: at(0.95) };
}

/** The session that the link opens, as soon as the page is there and its index is made. */
async function signIn(): Promise<Cookie[]> {
  for (;;) {
    const answer = await fetch(`${origin}/login?token=${token}`, { redirect: 'manual' }).catch(() => null);
    const [name = '', value = ''] = (answer?.headers.getSetCookie()[0] ?? '').split(';')[0]?.split('=') ?? [];
    const now = await fetch(`${origin}/api/now`, { headers: { cookie: `${name}=${value}` } }).catch(() => null);
    if (now?.ok === true)
      return [
        { name, value, domain: '127.0.0.1', path: '/', expires: -1, httpOnly: true, secure: false, sameSite: 'Strict' },
      ];
    await sleep(100);
  }
}

async function opened(by: Browser, size: { width: number; height: number }): Promise<Page> {
  const context = await by.newContext({ viewport: size, reducedMotion: 'reduce' });
  await context.addCookies(cookies);
  return await context.newPage();
}

async function firstVisit(by: Browser): Promise<{ paint: number; tasks: number }> {
  const page = await opened(by, { width: 390, height: 844 });
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: phone.latencyMs,
    downloadThroughput: phone.downBytes,
    uploadThroughput: phone.upBytes,
  });
  await session.send('Emulation.setCPUThrottlingRate', { rate: phone.slowdown });
  await page.addInitScript(`
    new MutationObserver((_changes, observer) => {
      if (document.querySelector('main [data-task], main li a, main .card') === null) return;
      observer.disconnect();
      requestAnimationFrame(() => { globalThis.tasksShown = performance.now(); });
    }).observe(document, { childList: true, subtree: true });
  `);
  await page.goto(origin);
  const tasks = await seen(page, 'globalThis.tasksShown');
  const paint = Number(
    await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN`),
  );
  await page.context().close();
  return { paint, tasks };
}

/** Asked again and again: the page's policy forbids to wait for an expression inside it. */
async function seen(page: Page, expression: string): Promise<number> {
  for (;;) {
    const value = await page.evaluate(expression);
    if (typeof value === 'number') return value;
    await sleep(20);
  }
}

async function events(by: Browser, count: number, streams: number) {
  const heard = new Map<string, number>();
  const others = Array.from({ length: streams - 1 }, () =>
    openStream((text) => {
      for (const [marker] of text.matchAll(/moment-\d+/g)) heard.set(marker, Date.now());
    }),
  );
  await Promise.all(others.map(({ open }) => open));
  const page = await opened(by, { width: 1440, height: 900 });
  await page.addInitScript(`
    globalThis.shown = new Map();
    new MutationObserver(() => {
      for (const [marker] of document.body.innerText.matchAll(/moment-\\d+/g))
        if (!shown.has(marker)) {
          shown.set(marker, null);
          requestAnimationFrame(() => shown.set(marker, Date.now()));
        }
    }).observe(document, { childList: true, subtree: true, characterData: true });
  `);
  await page.goto(origin);
  await page.getByRole('heading', { name: 'Now' }).waitFor();
  await sleep(1_000);
  const run = readdirSync(join(volumes, 'runs')).findLast((name) => name.startsWith('RUN-')) ?? '';
  const journal = join(volumes, 'runs', run, 'telemetry.jsonl');
  const line =
    readFileSync(journal, 'utf8')
      .trimEnd()
      .split('\n')
      .find((one) => one.includes('"status":"queued"')) ?? '';
  const [pixel, last]: [number[], number[]] = [[], []];
  for (let event = 0; event < count; event += 1) {
    const marker = `moment-${event}`;
    const written = Date.now();
    appendFileSync(journal, `${line.replaceAll(/"title":"[^"]*"/g, `"title":"${marker}"`)}\n`);
    pixel.push((await seen(page, `shown.get('${marker}')`)) - written);
    last.push((heard.get(marker) ?? Number.NaN) - written);
    await sleep(37 * (event % 7));
  }
  for (const { close } of others) close();
  await page.context().close();
  return { pixel, last: last.filter((took) => !Number.isNaN(took)), streams: others.length + 1 };
}

function openStream(told: (text: string) => void): { open: Promise<void>; close: () => void } {
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const asked = request(`${origin}/api/stream`, { headers: { cookie }, agent: false });
  const open = new Promise<void>((resolve, reject) => {
    asked.once('error', reject);
    asked.once('response', (answer) => {
      answer
        .setEncoding('utf8')
        .on('data', told)
        .on('error', () => undefined);
      resolve();
    });
  });
  asked.end();
  return { open, close: () => asked.destroy() };
}
