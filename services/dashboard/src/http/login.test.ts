import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dashboardLimits } from '../limits.ts';
import { localHost, loginToken, ownOrigin, TestPage, tailnetHost } from '../testing/page.ts';

const minuteMs = 60_000;

describe('login', () => {
  let page: TestPage;
  beforeEach(async () => {
    page = await TestPage.make();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  const form = (fields: object) =>
    request(page.app).post('/login').type('form').send(fields).set({ host: localHost, origin: ownOrigin });

  it('opens the page by the link, without a script, and the address that holds the token is gone at once', async () => {
    const answer = await page.stranger().get(`/login?token=${loginToken}`);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
    expect(answer.headers['referrer-policy']).toBe('no-referrer');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.text).not.toContain(loginToken);
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/^countersign=[\w-]{43}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
    const listed = await page
      .stranger()
      .get('/api/services')
      .set('cookie', cookie.split(';')[0] ?? '');
    expect(listed.status).toBe(200);
  });

  it('W06 over https the cookie is one that no other host, path or port can set', async () => {
    const answer = await page.stranger(tailnetHost).get(`/login?token=${loginToken}`);
    expect(String(answer.headers['set-cookie'])).toMatch(
      /^__Host-countersign=[\w-]{43}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    );
    const browser = await page.signIn(tailnetHost);
    expect((await browser.command({ kind: 'resume' })).status).toBe(202);
  });

  it('W06 a session counts at the address at which it was opened, and where a cookie stands twice, neither does', async () => {
    const browser = await page.signIn();
    expect((await browser.get('/api/services').set('host', 'localhost:7860')).status).toBe(401);
    const stolen = browser.cookie.replace('countersign', '__Host-countersign');
    expect((await page.stranger(tailnetHost).get('/api/services').set('cookie', stolen)).status).toBe(401);
    const tossed = `countersign=${'x'.repeat(43)}; ${browser.cookie}`;
    expect((await browser.get('/api/services').set('cookie', tossed)).status).toBe(401);
  });

  it('opens the page by the form', async () => {
    expect((await page.stranger().get('/login')).text).toContain('<form method="post" action="/login">');
    const answer = await form({ token: loginToken });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
    expect(answer.headers).toHaveProperty('set-cookie');
  });

  it('leads whoever is signed in from the form to the page, and whoever is not from the page to the form', async () => {
    const browser = await page.signIn();
    expect((await browser.get('/login')).headers['location']).toBe('/');
    expect((await page.stranger().get('/')).headers['location']).toBe('/login');
    expect((await page.stranger().get('/tasks/t1')).headers['location']).toBe('/login');
  });

  it.each(['', 'guess', `${loginToken}x`, loginToken.slice(1), loginToken.toLowerCase(), `${loginToken} `])(
    'W13 a wrong token (%j) opens nothing',
    async (token) => {
      const answer = await page.stranger().get(`/login?${new URLSearchParams({ token })}`);
      expect(answer.status).toBe(401);
      expect(answer.headers).not.toHaveProperty('set-cookie');
      expect(answer.text).toContain('role="alert"');
      const posted = await form({ token }).set('accept', 'application/json');
      expect([posted.status, posted.body.error]).toEqual([401, 'bad_token']);
    },
  );

  it('W13 a token in a list, in an object or in a body that is no form opens nothing', async () => {
    const stranger = page.stranger();
    expect((await stranger.get(`/login?token=${loginToken}&token=${loginToken}`)).status).toBe(401);
    expect((await stranger.get(`/login?token[]=${loginToken}`)).headers).not.toHaveProperty('set-cookie');
    expect((await form({}).type('json').send({ token: loginToken })).status).toBe(401);
    expect((await stranger.get(`/login?token=${loginToken}`).set('authorization', `Bearer ${loginToken}`)).status).toBe(
      303,
    );
    expect((await stranger.get('/api/services').set('authorization', `Bearer ${loginToken}`)).status).toBe(401);
    expect((await stranger.get(`/api/services?token=${loginToken}`)).status).toBe(401);
  });

  it('W13 guessing is slowed down, and never keeps the operator out', async () => {
    const statuses: number[] = [];
    for (let guess = 0; guess < dashboardLimits.failedLogins + 5; guess += 1)
      statuses.push((await page.stranger().get(`/login?token=guess${guess}`)).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(dashboardLimits.failedLogins);
    expect(statuses.at(-1)).toBe(429);
    const refused = await page.stranger(tailnetHost).get('/login?token=guess');
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60']);
    expect((await page.stranger().get(`/login?token=${loginToken}`)).status).toBe(303);
    expect((await form({ token: loginToken })).status).toBe(303);
  });

  it('W13 a session that the browser brings along is not the one that the login opens', async () => {
    const planted = `countersign=${'p'.repeat(43)}`;
    const answer = await page.stranger().get(`/login?token=${loginToken}`).set('cookie', planted);
    expect(String(answer.headers['set-cookie'])).not.toContain('p'.repeat(43));
    const browser = await page.signIn();
    await browser.get(`/login?token=${loginToken}`);
    expect((await browser.get('/api/services')).status).toBe(401);
  });

  it('W13 a session ends when nobody uses it for half an hour; what the page does by itself is no use', async () => {
    const browser = await page.signIn();
    page.now += 29 * minuteMs;
    expect((await browser.get('/api/services')).status).toBe(200);
    page.now += 29 * minuteMs;
    expect((await browser.get('/api/session')).status).toBe(200);
    expect((await browser.get('/api/services').set('x-countersign-by-itself', '1')).status).toBe(200);
    page.now += minuteMs;
    expect((await browser.get('/api/session')).body.error).toBe('no_session');
  });

  it('W13 and after twelve hours at the latest', async () => {
    const browser = await page.signIn();
    const { body } = await browser.get('/api/session');
    for (let used = 0; used < 24; used += 1) {
      page.now += 29 * minuteMs;
      expect((await browser.get('/api/services')).status).toBe(200);
    }
    page.now = Date.parse(body.expires_at) - 1;
    expect((await browser.get('/api/session')).body.idle_expires_at).toBe(body.expires_at);
    page.now += 1;
    expect((await browser.get('/api/services')).status).toBe(401);
  });

  it('W13 signing out ends the session on the server', async () => {
    const browser = await page.signIn();
    const answer = await browser.send('delete', '/api/session');
    expect(String(answer.headers['set-cookie'])).toMatch(/^countersign=; .*1970/);
    expect((await browser.get('/api/services')).status).toBe(401);
    expect((await browser.command({ kind: 'resume' })).status).toBe(401);
  });

  it('W13 lists who is signed in, by names that open nothing, and ends one of them', async () => {
    const [browser, other] = [await page.signIn(), await page.signIn(tailnetHost)];
    const { body } = await browser.get('/api/sessions');
    expect(body.sessions.map(({ host, own }: { host: string; own: boolean }) => [host, own])).toEqual(
      expect.arrayContaining([
        [localHost, true],
        [tailnetHost, false],
      ]),
    );
    const { id } = body.sessions.find(({ own }: { own: boolean }) => !own);
    expect((await browser.get('/api/services').set('cookie', `countersign=${id}`)).status).toBe(401);
    expect((await browser.send('delete', `/api/sessions/${id}`)).status).toBe(204);
    expect((await other.get('/api/services')).status).toBe(401);
    expect((await browser.get('/api/services')).status).toBe(200);
    expect((await browser.send('delete', `/api/sessions/${id}`)).status).toBe(404);
    expect((await browser.send('delete', '/api/sessions/%20')).status).toBe(404);
  });

  it('W13 of more than twenty sessions the one that was used longest ago ends', async () => {
    const [first, second] = [await page.signIn(), await page.signIn()];
    page.now += 1;
    await first.get('/api/services');
    for (let more = 0; more < dashboardLimits.sessions - 1; more += 1) await page.signIn();
    expect((await first.get('/api/services')).status).toBe(200);
    expect((await second.get('/api/services')).status).toBe(401);
    expect(page.sessions.list()).toHaveLength(dashboardLimits.sessions);
  });

  it('neither the token nor a session, nor what is sent, is in the log', async () => {
    const browser = await page.signIn();
    await browser.get(`/login?token=wrong-${loginToken}`);
    await form({ token: loginToken });
    await browser.command({ kind: 'approve', task: 't1', digest: 'd'.repeat(64), code: '123456' });
    await browser.send('post', '/api/commands').type('json').send('{"kind": "secret words", "code": "123456"');
    await browser.send('delete', '/api/session');
    const log = page.log.join('');
    expect(log).toContain('"route":"/commands"');
    for (const secret of [loginToken, browser.cookie.split('=')[1] ?? '', browser.csrf, '123456', 'secret words'])
      expect(log).not.toContain(secret);
  });

  it('HEAD opens nothing', async () => {
    const answer = await request(page.app).head(`/login?token=${loginToken}`).set('host', localHost);
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(page.sessions.list()).toEqual([]);
  });
});
