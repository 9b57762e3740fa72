import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Browser, localHost, TestPage } from '../testing/page.ts';

const script = `console.log(${JSON.stringify('x'.repeat(5_000))});`;
const built = {
  'index.html': '<!doctype html><title>Countersign</title>',
  'assets/index-AbCd_123.js': script,
  'assets/index-AbCd_123.js.map': '{}',
  'assets/plain.js': 'unhashed',
  'icon.svg': '<svg/>',
  'manifest.webmanifest': '{}',
  'manifest.json': '{}',
  'service-worker.js': 'addEventListener',
  '.secret': 'x',
};

describe('the page', () => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make({ page: built });
    browser = await page.signIn();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  it.each([
    '/',
    '/approvals',
    '/tasks',
    '/tasks/t1',
    '/runs/RUN-20260102-001',
    '/log',
    '/log/matrix-listener',
    '/more',
    '/configuration',
    '/services',
    '/charts',
    '/new',
  ])('is at each of its addresses, never kept: %s', async (address) => {
    const answer = await browser.get(address);
    expect([answer.status, answer.text]).toEqual([200, built['index.html']]);
    expect(answer.headers['content-type']).toMatch(/^text\/html; charset=utf-8$/i);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers).not.toHaveProperty('etag');
  });

  it('the first one names what it will ask first, and the others name nothing', async () => {
    expect((await browser.get('/')).headers['link']).toBe('</api/now>; rel=preload; as=fetch; crossorigin');
    expect((await browser.get('/approvals')).headers).not.toHaveProperty('link');
    expect((await page.stranger().get('/')).headers).not.toHaveProperty('link');
  });

  it('files whose names carry their digest are kept for good; others are asked for again', async () => {
    const hashed = await browser.get('/assets/index-AbCd_123.js');
    expect(hashed.headers['cache-control']).toBe('private, max-age=31536000, immutable');
    expect(hashed.headers['content-type']).toMatch(/javascript/);
    expect((await browser.get('/service-worker.js')).headers['cache-control']).toBe('no-cache');
    expect((await page.stranger().get('/icon.svg')).headers['cache-control']).toBe('no-cache');
  });

  it('its files are sent packed, and no answer of the API is', async () => {
    const packed = await browser.get('/assets/index-AbCd_123.js').set('accept-encoding', 'br');
    expect([packed.headers['content-encoding'], packed.text]).toEqual(['br', script]);
    const answer = await browser.get('/api/schema').set('accept-encoding', 'gzip, br');
    expect(answer.headers).not.toHaveProperty('content-encoding');
  });

  it('W20 no other file of its folder is given away', async () => {
    for (const name of ['assets/index-AbCd_123.js.map', 'assets/plain.js', 'manifest.json', '.secret', 'index.html'])
      expect((await browser.get(`/${name}`)).status).toBe(404);
  });

  it('without a session there is the way in and what browsers fetch without a cookie', async () => {
    const stranger = page.stranger();
    expect((await stranger.get('/assets/index-AbCd_123.js')).status).toBe(401);
    expect((await stranger.get('/service-worker.js')).status).toBe(401);
    for (const path of ['/login', '/login.css', '/icon.svg', '/manifest.webmanifest'])
      expect((await stranger.get(path)).status).toBe(200);
  });

  it('says so where it has not been built', async () => {
    await using unbuilt = await TestPage.make();
    const answer = await (await unbuilt.signIn()).get('/');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('has not been built');
  });

  it.each(['/', '/login', '/login.css', '/api/now', '/nothing', '/icon.svg'])(
    'has strict headers everywhere: %s',
    async (path) => {
      const { headers } = await browser.get(path);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;font-src 'self';connect-src 'self';manifest-src 'self';worker-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none';require-trusted-types-for 'script';trusted-types countersign",
      );
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'x-frame-options': 'DENY',
      });
      expect(headers['permissions-policy']).toContain('camera=()');
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('strict-transport-security');
    },
  );

  it('pages that are there without a script have neither scripts nor styles in them', async () => {
    const login = await page.stranger().get('/login');
    expect(login.text).not.toMatch(/<script|<style|style=|\son\w+=/i);
    expect(login.text).toContain('<meta name="referrer" content="same-origin">');
    const failed = await request(page.app).get('/login?token=%3Cscript%3E').set('host', localHost);
    expect(failed.text).not.toContain('script>');
  });
});
