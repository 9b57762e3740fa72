import { setTimeout as wait } from 'node:timers/promises';
import { pageLimits, StreamBatch } from '@countersign/contracts/page-api.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dashboardLimits } from '../limits.ts';
import { askSocket } from '../testing/ask-socket.ts';
import { type Browser, TestPage } from '../testing/page.ts';
import { ServedPage } from '../testing/served-page.ts';

const batch: StreamBatch = { tasks: [], output: [], log: [] };
/** In all buffers between the two ends of a unix socket there is room for less. */
const large: StreamBatch = { ...batch, log: [{ service: 'runner', at: 0, text: 'x'.repeat(1024 * 1024) }] };

describe('the stream', () => {
  let page: TestPage;
  let served: ServedPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make();
    served = await ServedPage.serve(page);
    browser = await page.signIn();
  });
  afterEach(async () => {
    await served[Symbol.asyncDispose]();
    await page[Symbol.asyncDispose]();
  });

  const tell = (position: string, told = batch) => {
    for (const listener of page.feed.listeners) listener({ kind: 'batch', position, batch: told });
  };

  it('tells each batch with its position as its id', async () => {
    const stream = await served.stream(browser);
    expect(stream.answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(stream.answer.headers['cache-control']).toBe('no-store');
    tell('17', { ...batch, log: [{ service: 'runner', at: 5, text: 'two\nlines\r\nid: 99\n\nevent: reset' }] });
    const text = await stream.until('id: 17\n');
    const event = text.split('\n\n').find((each) => each.startsWith('id: 17'));
    expect(event?.split('\n')).toHaveLength(2);
    const [, data = ''] = event?.split('\ndata: ') ?? [];
    expect(StreamBatch.parse(JSON.parse(data)).log[0]?.text).toBe('two\nlines\r\nid: 99\n\nevent: reset');
    stream.answer.destroy();
  });

  it('tells what has no place without one, so that the page keeps the one it has', async () => {
    const stream = await served.stream(browser);
    for (const listener of page.feed.listeners) listener({ kind: 'batch', position: null, batch });
    tell('18');
    const text = await stream.until('id: 18\n');
    expect(text).toContain(`\n\ndata: ${JSON.stringify(batch)}\n\nid: 18\n`);
    stream.answer.destroy();
  });

  it('goes on where the page was, and follows what it names', async () => {
    const first = await served.stream(browser, '?task=t1&task=t2&log=runner&after=7');
    const second = await served.stream(browser, '?after=7', { 'last-event-id': '9' });
    const third = await served.stream(browser, '?task=t1');
    expect(page.feed.followed).toEqual([
      { after: '7', tasks: ['t1', 't2'], services: ['runner'] },
      { after: '9', tasks: [], services: [] },
      { after: null, tasks: ['t1'], services: [] },
    ]);
    for (const { answer } of [first, second, third]) answer.destroy();
  });

  it('tells a page to ask anew where it cannot go on', async () => {
    const stream = await served.stream(browser, '', { 'last-event-id': 'of another server' });
    expect(await stream.until('reset')).toContain('event: reset\ndata: {}\n\n');
    for (const listener of page.feed.listeners) listener({ kind: 'reset', position: '40' });
    expect(await stream.until('id: 40')).toContain('id: 40\nevent: reset\n');
    stream.answer.destroy();
  });

  it.each(['?task=..%2Ft1', '?task[]=t1', '?after=x', '?log=a&log=b', '?what=x', `?log=${'x'.repeat(65)}`])(
    'refuses what it cannot follow: %s',
    async (query) => {
      const { answer } = await served.stream(browser, query);
      expect(answer.statusCode).toBe(400);
      expect(page.streams.size).toBe(0);
    },
  );

  it('W07 without a session, or with one in the address, there is none', async () => {
    const cookie = browser.cookie;
    for (const query of ['', `?${cookie}`, `?token=${cookie.split('=')[1]}`]) {
      const { answer } = await served.stream(page.stranger(), query);
      expect(answer.statusCode).toBe(401);
    }
    expect(page.streams.size).toBe(0);
  });

  it.each(['signed out', 'ended by another', 'expired'])(
    'W07 ends within 5 s when its session has (%s), and no other does',
    async (how) => {
      const other = await page.signIn();
      const [stream, stays] = [await served.stream(browser), await served.stream(other)];
      const [own] = (await browser.get('/api/sessions')).body.sessions.filter(
        (session: { own: boolean }) => session.own,
      );
      if (how === 'signed out') await browser.send('delete', '/api/session');
      else if (how === 'ended by another') await other.send('delete', `/api/sessions/${own.id}`);
      else {
        page.now += dashboardLimits.sessionIdleMs - 1;
        await other.get('/api/services');
        page.now += 1;
        page.sessions.sweep();
      }
      expect(await stream.ended(5_000)).toBe(true);
      expect(await stays.ended(50)).toBe(false);
      expect(page.streams.size).toBe(1);
      expect(page.feed.listeners.size).toBe(1);
      expect(dashboardLimits.sweepMs).toBeLessThan(5_000);
      stays.answer.destroy();
    },
  );

  it(`W07 ${pageLimits.streams} are open at once and all are told; one more is refused, and there is room again when one goes`, async () => {
    const streams = await Promise.all(Array.from({ length: pageLimits.streams }, () => served.stream(browser)));
    expect((await served.stream(browser)).answer.statusCode).toBe(429);
    tell('23');
    for (const stream of streams) expect(await stream.until('id: 23')).toContain('id: 23');
    streams[0]?.answer.destroy();
    while (page.streams.size === pageLimits.streams) await wait(5);
    const again = await served.stream(browser);
    expect(again.answer.statusCode).toBe(200);
    for (const { answer } of [...streams, again]) answer.destroy();
    while (page.feed.listeners.size > 0) await wait(5);
    expect(page.streams.size).toBe(0);
  });

  it('W07 a reader who takes nothing is dropped, and the others are told on', async () => {
    const [slow, quick] = [await served.stream(browser), await served.stream(browser)];
    slow.answer.pause();
    const before = process.memoryUsage().arrayBuffers;
    let told = 0;
    while (page.streams.size === 2 && told < 200) {
      told += 1;
      quick.text = '';
      tell(String(told), large);
      await quick.until(`id: ${told}\n`);
    }
    expect(page.streams.size).toBe(1);
    expect(told * 1024 * 1024).toBeLessThan(16 * dashboardLimits.streamBytes);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    expect(await quick.until(`id: ${told}\n`)).toContain(`id: ${told}\n`);
    quick.answer.destroy();
    slow.answer.destroy();
  });

  it('who only asks for its head opens none', async () => {
    const headers = { host: browser.host, cookie: browser.cookie };
    expect((await askSocket(served.path, 'HEAD', '/api/stream', headers)).status).toBe(200);
    expect(page.streams.size).toBe(0);
  });

  it('a person who only watches is not signed out sooner or later for it', async () => {
    const stream = await served.stream(browser);
    page.now += dashboardLimits.sessionIdleMs;
    page.sessions.sweep();
    expect(await stream.ended(1_000)).toBe(true);
    expect((await served.stream(browser)).answer.statusCode).toBe(401);
  });
});
