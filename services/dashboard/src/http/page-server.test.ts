import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pageLimits } from '@countersign/contracts/page-api.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dashboardLimits } from '../limits.ts';
import { type Browser, localHost, TestPage } from '../testing/page.ts';
import { ServedPage } from '../testing/served-page.ts';

const statusesIn = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe('the server', () => {
  let page: TestPage;
  let served: ServedPage;
  let browser: Browser;
  let own: string;
  beforeEach(async () => {
    page = await TestPage.make();
    served = await ServedPage.serve(page);
    browser = await page.signIn();
    own = `host: ${localHost}\r\ncookie: ${browser.cookie}\r\norigin: http://${localHost}\r\nx-countersign-csrf: ${browser.csrf}\r\n`;
  });
  afterEach(async () => {
    await served[Symbol.asyncDispose]();
    await page[Symbol.asyncDispose]();
  });

  const get = (headers: string, target = '/api/services') =>
    `GET ${target} HTTP/1.1\r\n${headers}connection: close\r\n\r\n`;
  const post = (headers: string, payload: string) =>
    `POST /api/commands HTTP/1.1\r\n${own}connection: close\r\ncontent-type: application/json\r\n${headers}\r\n${payload}`;

  it('answers on its socket', async () => {
    expect(statusesIn(await served.exchange(get(own)))).toEqual([200]);
  });

  it.each([
    ['two hosts', (o: string) => get(`${o}host: ${localHost}\r\n`)],
    ['a second host that is another', (o: string) => get(`${o}Host: evil.test\r\n`)],
    ['no host', (o: string) => get(o.replace(/^host.*\r\n/, ''))],
    ['an empty host', (o: string) => get(o.replace(localHost, ''))],
    ['HTTP/1.0 without a host', (o: string) => get(o.replace(/^host.*\r\n/, '')).replace('HTTP/1.1', 'HTTP/1.0')],
    ['an absolute form', (o: string) => get(o, 'http://evil.test/api/services')],
    ['an absolute form of our own', (o: string) => get(o, `http://${localHost}/api/services`)],
    ['a dot behind it', (o: string) => get(o.replace(localHost, '127.0.0.1.:7860'))],
    ['a host with a user', (o: string) => get(o.replace(localHost, `x@${localHost}`))],
    ['a host with a path', (o: string) => get(o.replace(localHost, `${localHost}/x`))],
    ['another spelling of the address', (o: string) => get(o.replace(localHost, '2130706433:7860'))],
  ])('W02 %s is refused before anything is looked at', async (_, bytes) => {
    const answer = await served.exchange(bytes(own));
    expect(statusesIn(answer)).toEqual([421]);
    expect(answer).not.toContain('"services"');
  });

  it.each([
    '\\evil.test',
    '//evil.test/api/services',
    '/api//services',
    '/API/services',
    '/api/services/',
    '/%61pi/services',
    '/api%2fservices',
    '/./api/services',
    '/x/../api/services',
  ])('an address that only resembles one of ours (%s) leads to nothing', async (target) => {
    expect(await served.exchange(get(own, target))).not.toContain('"services"');
    expect(await served.exchange(get(`host: ${localHost}\r\n`, target))).not.toContain('"services"');
  });

  const body = '{"kind":"resume"}';
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const hidden = 'GET /api/sessions HTTP/1.1\r\nhost: x\r\n\r\n';
  it.each([
    ['CL.TE', `content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n`, chunked + hidden],
    ['TE.CL', 'transfer-encoding: chunked\r\ncontent-length: 4\r\n', chunked + hidden],
    ['TE.TE', 'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n', chunked + hidden],
    ['a misspelt TE', 'transfer-encoding: xchunked\r\n', chunked + hidden],
    ['two content lengths', `content-length: ${body.length}\r\ncontent-length: 0\r\n`, body + hidden],
    ['content lengths in two cases', `Content-Length: ${body.length}\r\ncONTENT-lENGTH: 1\r\n`, body + hidden],
    ['a signed content length', `content-length: +${body.length}\r\n`, body],
    ['a hexadecimal content length', `content-length: 0x${body.length.toString(16)}\r\n`, body],
    ['a blank before the colon', `content-length : ${body.length}\r\n`, body],
    ['a folded header', `x: a\r\n b\r\ncontent-length: ${body.length}\r\n`, body],
    ['a bare carriage return', `x: a\rtransfer-encoding: chunked\r\ncontent-length: ${body.length}\r\n`, body],
    ['a NUL in a header', `x: a\0b\r\ncontent-length: ${body.length}\r\n`, body],
    ['a chunk size that is none', 'transfer-encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a chunk without its end', 'transfer-encoding: chunked\r\n', `${body.length.toString(16)}\r\n${body}XX0\r\n\r\n`],
  ])('W19 %s is refused, and decides nothing', async (_, headers, payload) => {
    const statuses = statusesIn(await served.exchange(post(headers, payload)));
    expect(statuses.length).toBeLessThanOrEqual(1);
    expect(statuses.filter((status) => status < 400)).toEqual([]);
    expect(await page.commands()).toEqual([]);
  });

  it('W19 one request in is one request out, also where another follows that is none', async () => {
    const answer = await served.exchange(`${post(`content-length: ${body.length}\r\n`, body)}\0\0\0 garbage\r\n\r\n`);
    expect(statusesIn(answer).filter((status) => status === 202).length).toBeLessThanOrEqual(1);
    // Nobody waits for its answer any more; it is carried out or not, and once.
    await wait(500);
    expect((await page.commands()).length).toBeLessThanOrEqual(1);
    expect(statusesIn(await served.exchange('CONNECT evil.test:443 HTTP/1.1\r\nhost: evil.test\r\n\r\n'))).toEqual([
      405,
    ]);
    const upgrade = get(own).replace('connection: close', 'connection: upgrade\r\nupgrade: websocket');
    expect(statusesIn(await served.exchange(upgrade))).not.toContain(101);
  });

  it('W18 a body of 10 MB is refused, whether it says its size or not', async () => {
    const ten = 10 * 1024 * 1024;
    // Whoever is still sending when the other side closes may never read the answer.
    const sending = (headers: string, payload: string) => post(headers, payload).replace('connection: close\r\n', '');
    const said = await served.exchange(sending(`content-length: ${ten}\r\n`, 'x'.repeat(ten)));
    expect(statusesIn(said)).toEqual([413]);
    const unsaid = `${(1024 * 1024).toString(16)}\r\n${'x'.repeat(1024 * 1024)}\r\n`.repeat(10);
    const open = sending('transfer-encoding: chunked\r\n', `${unsaid}0\r\n\r\n`);
    expect(statusesIn(await served.exchange(open))).toEqual([413]);
    expect(await page.commands()).toEqual([]);
    expect(ten).toBeGreaterThan(pageLimits.commandBytes);
  });

  it('W18, S058 a packed body is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(10 * 1024 * 1024, 0x20));
    const answer = await browser
      .send('post', '/api/commands')
      .set({ 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .serialize(() => bomb as unknown as string)
      .send({});
    expect(answer.status).toBe(415);
  });

  it.each([
    ['no type', '', 415],
    ['a form', 'content-type: application/x-www-form-urlencoded\r\n', 415],
    ['text', 'content-type: text/plain\r\n', 415],
    ['text that says json', 'content-type: text/plain; application/json\r\n', 415],
    ['another charset', 'content-type: application/json; charset=utf-16le\r\n', 415],
    ['a type of somebody else', 'content-type: application/vnd.api+json\r\n', 415],
    ['JSON', 'content-type: application/json; charset=UTF-8\r\n', 202],
  ])('a body is JSON and says so: %s', async (_, type, status) => {
    const bytes = `POST /api/commands HTTP/1.1\r\n${own}${type}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    expect(statusesIn(await served.exchange(bytes))).toEqual([status]);
  });

  it.each([
    ['deep lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['deep objects', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['many keys', `{${Array.from({ length: 10_000 }, (_, index) => `"k${index}":1`).join(',')}}`],
    ['a word', '"approve"'],
    ['null', 'null'],
    ['half of it', '{"kind":"resume"'],
    ['nothing', ''],
  ])('W18, S059 %s are refused at once', async (_, payload) => {
    const began = performance.now();
    const answer = await served.exchange(post(`content-length: ${payload.length}\r\n`, payload));
    expect(statusesIn(answer)).toEqual([400]);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  const serveImpatiently = async () => {
    await served[Symbol.asyncDispose]();
    served = await ServedPage.serve(page, { ...dashboardLimits, headersMs: 300, requestMs: 500, requestCheckMs: 50 });
  };

  it('W18 headers that never end are cut off, and the others are answered meanwhile', async () => {
    await serveImpatiently();
    const slow = Array.from({ length: 100 }, () => served.connect());
    for (const socket of slow) socket.write('GET / HTTP/1.1\r\nhost: ');
    const began = performance.now();
    expect(statusesIn(await served.exchange(get(own)))).toEqual([200]);
    expect(performance.now() - began).toBeLessThan(1_000);
    const end = Date.now() + 5_000;
    while (slow.some((socket) => !socket.closed) && Date.now() < end) {
      for (const socket of slow) if (socket.writable) socket.write('x');
      await wait(50);
    }
    expect(slow.filter((socket) => !socket.closed)).toEqual([]);
  });

  it('W18 so does a body that never ends', async () => {
    await serveImpatiently();
    const answer = await served.exchange(post('content-length: 100\r\n', '{'), 3_000);
    expect(statusesIn(answer)).toEqual([408]);
  });

  it('W18 headers that are too large or too many are refused', async () => {
    expect(statusesIn(await served.exchange(get(`${own}x: ${'x'.repeat(20_000)}\r\n`)))).toEqual([431]);
    const many = Array.from({ length: 10_000 }, (_, index) => `p${index}=1`).join('&');
    expect(statusesIn(await served.exchange(get(own, `/api/tasks?${many}`)))).toEqual([431]);
  });

  it('W18 connections beyond their number are closed, and there is room again when some go', async () => {
    await served[Symbol.asyncDispose]();
    served = await ServedPage.serve(page, { ...dashboardLimits, connections: 20 });
    const idle = Array.from({ length: 40 }, () => served.connect());
    const end = Date.now() + 2_000;
    while (idle.filter((socket) => socket.closed).length < 20 && Date.now() < end) await wait(10);
    expect(idle.filter((socket) => !socket.closed)).toHaveLength(20);
    for (const socket of idle) socket.destroy();
    await wait(50);
    expect(statusesIn(await served.exchange(get(own)))).toEqual([200]);
  });

  it.each(['TRACE', 'TRACK', 'PUT', 'PATCH', 'PROPFIND', 'OPTIONS'])('W20 %s is not answered', async (method) => {
    const answer = await served.exchange(get(own).replace('GET', method));
    expect([400, 405]).toContain(statusesIn(answer)[0]);
    expect(answer).not.toContain(browser.cookie);
  });
});
