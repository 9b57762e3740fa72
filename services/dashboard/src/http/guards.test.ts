import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Browser, loginToken, ownOrigin, TestPage, tailnetHost } from '../testing/page.ts';
import { digest } from '../testing/samples.ts';
import { guardNames } from './guards.ts';

const approve = { kind: 'approve', task: 't1', digest };
const foreignHosts = [
  'evil.test:7860',
  '127.0.0.1.nip.io:7860',
  'localhost.evil:7860',
  '127.0.0.1.:7860',
  'localhost.:7860',
  '127.0.0.1',
  'localhost',
  '127.0.0.1:7861',
  '[::2]:7860',
  '0.0.0.0:7860',
  `${tailnetHost}.`,
  `${tailnetHost}:7860`,
  '',
];
const foreignOrigins = [
  'null',
  'https://evil.test',
  'http://localhost:3000',
  'http://127.0.0.1:3000',
  'http://127.0.0.1',
  'https://127.0.0.1:7860',
  'http://127.0.0.1.evil:7860',
  'https://x.localhost',
  'http://x.localhost:7860',
  'file://',
  'chrome-extension://abcdefgh',
  `http://${tailnetHost}`,
  '',
];

/** How a browser sends what another page made it send; it never has the session's token, and says whose page it was. */
function foreign(test: request.Test, origin: string, site = 'cross-site'): request.Test {
  return test.set({ origin, 'sec-fetch-site': site }).unset('x-countersign-csrf');
}

describe.each([undefined, ...guardNames])('without the check of %s', (without) => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make({ without: without === undefined ? [] : [without] });
    browser = await page.signIn();
  });
  afterEach(async () => {
    expect(await page.commands()).toEqual([]);
    await page[Symbol.asyncDispose]();
  });

  it.each(foreignHosts)('W02 a name that was made to point here (%s) reads nothing and does nothing', async (host) => {
    const reading = await browser.get('/api/services').set('host', host);
    expect(reading.status).toBe(without === 'host' ? 401 : 421);
    expect(reading.body).not.toHaveProperty('services');
    const changing = await browser.command(approve).set('host', host);
    expect([401, 403, 421]).toContain(changing.status);
    expect((await browser.get('/').set('host', host)).status).toBe(without === 'host' ? 303 : 421);
  });

  it('W02 a page of such a name has no way in but the token, and no session of another name', async () => {
    const rebound = request(page.app).post('/login').type('form').send({ token: 'guess' });
    const answer = await rebound.set({
      host: 'evil.test:7860',
      origin: 'http://evil.test:7860',
      'sec-fetch-site': 'same-origin',
    });
    expect([401, 403, 421]).toContain(answer.status);
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });

  it.each(['cross-site', 'same-site', 'none'])('W03 a form of another page (%s) decides nothing', async (site) => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json',
    ]) {
      const answer = await foreign(browser.send('post', '/api/commands'), 'https://evil.test', site)
        .set('content-type', type)
        .send(JSON.stringify(approve));
      expect([403, 415]).toContain(answer.status);
    }
  });

  it('W03 neither does what pretends to be another method, nor a beacon', async () => {
    const overridden = foreign(browser.get('/api/commands?_method=POST'), 'https://evil.test');
    expect((await overridden.set('x-http-method-override', 'POST')).status).toBeGreaterThanOrEqual(400);
    const beacon = foreign(browser.send('post', '/api/commands'), 'https://evil.test').set('sec-fetch-mode', 'no-cors');
    expect((await beacon.set('content-type', 'text/plain;charset=UTF-8').send(JSON.stringify(approve))).status).toBe(
      403,
    );
  });

  it('W04 another page’s change with no token, an empty one, one of another session or several decides nothing', async () => {
    const other = await page.signIn();
    for (const token of [null, '', 'x', other.csrf, `${other.csrf}, ${other.csrf}`]) {
      for (const test of [browser.command(approve), browser.send('delete', '/api/session')]) {
        const change = foreign(test, 'https://evil.test');
        const answer = await (token === null ? change : change.set('x-countersign-csrf', token));
        expect([token, answer.status]).toEqual([token, 403]);
      }
    }
    expect((await browser.get('/api/session')).status).toBe(200);
    const login = request(page.app).post('/login').type('form').send({ token: 'guess' });
    const signedIn = await login.set({
      host: browser.host,
      origin: 'https://evil.test',
      'sec-fetch-site': 'cross-site',
    });
    expect([401, 403]).toContain(signedIn.status);
    expect(signedIn.headers).not.toHaveProperty('set-cookie');
  });

  it.each(foreignOrigins)('W05 another origin (%s) is never let in, and never named in an answer', async (origin) => {
    const answer = await foreign(browser.send('post', '/api/commands'), origin).send(approve);
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const reading = await browser
      .get('/api/services')
      .set({ origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' });
    expect(Object.keys(reading.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    if (without !== 'origin') expect(reading.status).toBe(403);
  });

  it('W05 a preflight is not answered', async () => {
    const preflight = request(page.app).options('/api/commands').set({ host: browser.host, cookie: browser.cookie });
    const answer = await preflight.set({
      origin: 'http://localhost:3000',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-countersign-csrf',
      'access-control-request-private-network': 'true',
    });
    expect(answer.status).toBe(405);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('W06 a page on another port of this machine, to which browsers send the same cookies, decides nothing', async () => {
    const answer = await foreign(browser.send('post', '/api/commands'), 'http://127.0.0.1:3000', 'same-site').send(
      approve,
    );
    expect(answer.status).toBe(403);
  });

  it('W07 another page opens no stream that it could read', async () => {
    const stream = browser.get('/api/stream').set({ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' });
    if (without === 'origin') return expect(page.streams.size).toBe(0);
    expect((await stream).status).toBe(403);
    expect(page.streams.size).toBe(0);
  });

  it('W08 no frame shows the page', async () => {
    const answer = await browser.get('/');
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(answer.headers['x-frame-options']).toBe('DENY');
    if (without === 'origin') return;
    const framed = browser
      .get('/')
      .set({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' });
    expect((await framed).status).toBe(403);
  });

  it('W09 whoever opens the page has no hold on it', async () => {
    expect((await browser.get('/')).headers['cross-origin-opener-policy']).toBe('same-origin');
  });

  it.each(['//evil.test', '/\\evil.test', 'javascript:alert(1)', 'https://evil.test'])(
    'W10 the login leads to the page and nowhere else (%s)',
    async (target) => {
      const words = new URLSearchParams({ token: loginToken, next: target, redirect: target });
      const answer = await page.stranger().get(`/login?${words}`);
      expect(answer.headers['location']).toBe('/');
      const odd = await browser.get(target.startsWith('/') ? target : `/${target}`);
      expect(odd.headers['location'] ?? '/').toBe('/');
    },
  );

  it('W11 nothing private is kept, and there is nothing behind the back button after signing out', async () => {
    const answer = await browser.get('/api/services');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers).not.toHaveProperty('etag');
    expect((await browser.get('/')).headers['cache-control']).toBe('no-store');
    const left = await browser.send('delete', '/api/session');
    expect(left.status).toBe(204);
    expect((await browser.get('/api/services')).status).toBe(401);
  });

  it('W12 JSON is nothing but JSON, and no worker is given more than its folder', async () => {
    const answer = await browser.get('/api/services');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers).not.toHaveProperty('service-worker-allowed');
  });
});

describe('without any of the checks', () => {
  it.each(['https://evil.test', 'http://localhost:3000', 'null'])('a page of %s would decide', async (origin) => {
    await using page = await TestPage.make({ without: guardNames });
    const browser = await page.signIn();
    expect((await foreign(browser.send('post', '/api/commands'), origin).send(approve)).status).toBe(202);
    expect(await page.commands()).toHaveLength(1);
  });
});

describe('the check of the token', () => {
  let page: TestPage;
  beforeEach(async () => {
    page = await TestPage.make();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  it('W04 a change without the session’s own token is refused: none, empty, of another session, of another length', async () => {
    const browser = await page.signIn();
    const other = await page.signIn();
    for (const token of ['', 'x', other.csrf, `${browser.csrf}x`, `${browser.csrf}, ${browser.csrf}`]) {
      const answer = await browser.command(approve).set('x-countersign-csrf', token);
      expect([answer.status, answer.body.error]).toEqual([403, 'csrf']);
    }
    const without = await browser.send('post', '/api/commands').unset('x-countersign-csrf').send(approve);
    expect(without.body.error).toBe('csrf');
    expect(await page.commands()).toEqual([]);
    expect((await browser.command(approve)).status).toBe(202);
  });

  it('W04 nobody else signs the operator in or out', async () => {
    const browser = await page.signIn();
    const login = request(page.app).post('/login').type('form').send({ token: loginToken });
    expect(
      (await login.set({ host: browser.host, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' })).status,
    ).toBe(403);
    const logout = browser.send('delete', '/api/session').unset('x-countersign-csrf');
    expect((await logout).status).toBe(403);
    expect((await browser.get('/api/session')).status).toBe(200);
  });

  it('a change says which page it came from', async () => {
    const browser = await page.signIn();
    const silent = browser.command(approve).unset('origin').unset('sec-fetch-site');
    expect((await silent).body.error).toBe('forbidden_origin');
    const bySite = browser.command(approve).unset('origin');
    expect((await bySite).status).toBe(202);
  });

  it('a link of another site opens the page, and a picture or a script of it does not', async () => {
    const browser = await page.signIn();
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await browser.get('/tasks/t1').set(link)).status).toBe(200);
    expect((await browser.get('/api/services').set(link)).status).toBe(403);
    const picture = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    expect((await browser.get('/icon.svg').set(picture)).status).toBe(403);
    expect((await browser.get('/').set({ origin: ownOrigin })).status).toBe(200);
  });

  it.each([
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'Forwarded',
    'X-Real-IP',
    'Tailscale-User-Login',
    'X-Forwarded-Proto',
  ])('W14 what a proxy would say (%s) opens nothing', async (name) => {
    const claim = name === 'X-Forwarded-Host' ? tailnetHost : name === 'X-Forwarded-Proto' ? 'https' : '127.0.0.1';
    const stranger = page.stranger();
    expect((await stranger.get('/api/services').set(name, claim)).status).toBe(401);
    expect((await stranger.get('/api/services').set(name, claim).set('host', 'evil.test')).status).toBe(421);
    const login = await stranger.get(`/login?token=${loginToken}`).set(name, claim);
    expect(String(login.headers['set-cookie'])).not.toContain('__Host-');
  });
});
