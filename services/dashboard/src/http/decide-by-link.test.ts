import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Browser, localHost, loginToken, TestPage } from '../testing/page.ts';

/** Where a link in a message could lead that is to decide something by being opened. */
const links = [
  '/api/commands?kind=approve&task=t1',
  '/api/commands/approve/t1',
  '/api/tasks/t1/approve',
  '/api/tasks/t1?approve=1',
  '/api/approvals?task=t1&decision=approve',
  '/approve/t1',
  '/approve?task=t1',
  '/tasks/t1/approve',
  '/tasks/t1?decide=approve&code=123456',
  '/merge/t1',
  '/api/commands?_method=POST&kind=resume',
  '/api/services/runner/stop',
  '/api/logout',
];

describe('A36 a link', () => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make();
    browser = await page.signIn();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  it.each(links)('A36 decides nothing when it is opened, by whoever is signed in: %s', async (link) => {
    for (const method of ['get', 'head'] as const) {
      const asked = request(page.app)[method](link).redirects(0);
      const answer = await asked.set({ host: localHost, cookie: browser.cookie, 'x-countersign-csrf': browser.csrf });
      expect(answer.status).not.toBe(500);
    }
    expect([await page.commands(), page.orders, page.sessions.list().length]).toEqual([[], [], 1]);
  });

  it('A36 that logs in leads nowhere else, whatever it says', async () => {
    for (const to of ['https://evil.test/', '//evil.test', '/\\evil.test', 'javascript:alert(1)']) {
      for (const key of ['next', 'to', 'redirect', 'return', 'url']) {
        const link = `/login?token=${loginToken}&${key}=${encodeURIComponent(to)}`;
        const answer = await request(page.app).get(link).redirects(0).set({ host: localHost });
        expect(String(answer.headers['location'] ?? '/')).toMatch(/^\/(?![/\\])/);
        expect(answer.text ?? '').not.toContain('evil.test');
      }
    }
    expect(await page.commands()).toEqual([]);
  });
});
