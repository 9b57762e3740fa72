import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dashboardLimits } from '../limits.ts';
import { QueryError } from '../queries/query-error.ts';
import { type Browser, localHost, TestPage } from '../testing/page.ts';
import { ApiDescription } from './route-description.ts';

/** Addresses that mean something, for each route that only tells. */
const questions: readonly string[] = [
  '/api/session',
  '/api/sessions',
  '/api/now',
  '/api/tasks',
  '/api/tasks?status=done&status=failed&limit=200&q=words',
  '/api/tasks?status=done',
  '/api/tasks/t1',
  '/api/approvals',
  '/api/runs',
  '/api/portfolio',
  '/api/charts?days=30',
  '/api/search?q=words',
  '/api/services',
  '/api/logs/runner',
  '/api/configuration',
  '/api/choices',
  '/api/tasks/t1/attempts/1/files/plan.md',
  '/api/tasks/t1/attempts/1/files/diffs/a.patch?from=-3',
  '/api/commands/AAAAAAAAAAAAAAAAAAAAAAAA',
  '/api/schema',
];

const addressLike = /url|uri|host|endpoint|homeserver|webhook|origin|proxy/i;

/** Of all objects in a JSON schema. */
function fieldNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === 'properties' ? Object.keys(value as object) : []),
    ...fieldNames(value),
  ]);
}

describe('the API', () => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make({ files: { 'plan.md': 'a plan', 'diffs/a.patch': 'a patch' } });
    browser = await page.signIn();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  it.each(questions)('answers %s as the contract says, and only to whoever is signed in', async (address) => {
    const answer = await browser.get(address);
    expect(answer.body).not.toHaveProperty('error');
    expect(answer.status).toBe(200);
    const refused = await page.stranger().get(address);
    expect([refused.status, refused.body.error]).toEqual([401, 'no_session']);
  });

  it('describes itself from the table that answers', async () => {
    const { routes } = ApiDescription.parse((await browser.get('/api/schema')).body);
    expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(
      page.routes.map(({ method, path }) => `${method.toUpperCase()} /api${path}`),
    );
    const tasks = routes.find(({ path }) => path === '/api/tasks');
    expect(tasks?.query).toHaveProperty('properties.status.type', 'array');
    expect(tasks?.answer).toHaveProperty('properties.total');
    const commands = routes.find(({ path }) => path === '/api/commands');
    expect(commands).toMatchObject({ method: 'POST', status: 202 });
    expect(JSON.stringify(commands?.body)).toContain('"const":"approve"');
  });

  it.each(['get', 'head', 'post', 'put', 'patch', 'delete'] as const)(
    'nothing is looked at without a session: %s',
    async (method) => {
      const paths = [
        '/api',
        '/api/',
        '/api/now',
        '/api/nothing',
        '/api/commands',
        '/api/tasks/%2e%2e',
        '/api/tasks/%',
        '/api/stream',
      ];
      for (const path of paths) {
        const asked = request(page.app)[method](path).set({ host: localHost, 'sec-fetch-site': 'cross-site' });
        const answer = await (method === 'get' || method === 'head' ? asked : asked.type('text/plain').send('{'));
        expect([401, 405]).toContain(answer.status);
        if (method === 'get' || method === 'post') expect(answer.body.error).toBe('no_session');
      }
    },
  );

  it.each([
    `countersign=${'x'.repeat(43)}`,
    'countersign=',
    'countersign',
    `countersign="${'x'.repeat(43)}"`,
    `Countersign=${'x'.repeat(43)}`,
    'countersign=__proto__',
    `countersign=${'x'.repeat(8_000)}`,
  ])('a forged cookie opens nothing: %s', async (cookie) => {
    expect((await page.stranger().get('/api/now').set('cookie', cookie)).status).toBe(401);
  });

  it.each([
    '../t1',
    '..%2ft1',
    '%2e%2e%2fruns',
    '%2fetc%2fpasswd',
    't1%00',
    '%00',
    't1%0d%0aset-cookie:x',
    '%ff',
    '%',
    '__proto__',
    'constructor',
    'T1',
    'another-task',
    'x'.repeat(5_000),
  ])('W16 a task that is none (%s) is not found, or cannot be asked', async (id) => {
    const answer = await browser.get(`/api/tasks/${id}`);
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    const file = await browser.get(`/api/tasks/${id}/attempts/1/download/plan.md`);
    expect(file.headers['content-type']).toMatch(/^application\/json|^text\/plain/);
  });

  it.each([
    '?__proto__[polluted]=1',
    '?__proto__=1',
    '?constructor[prototype][polluted]=1',
    '?status[]=done',
    '?status[0]=done',
    '?limit=1&limit=2',
    '?limit=201',
    '?limit=-1',
    '?limit=1e9',
    '?q[$ne]=x',
    '?run=../../x',
    '?workspace=..',
    `?q=${'x'.repeat(201)}`,
    '?status=unknown',
    `?${Array.from({ length: 17 }, () => 'status=done').join('&')}`,
    '?unknown=1',
  ])('W17 a query that is none of ours is refused, and leaves nothing behind: %s', async (query) => {
    const answer = await browser.get(`/api/tasks${query}`);
    expect([answer.status, answer.body.error]).toEqual([400, 'bad_request']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    '{"kind":"resume","__proto__":{"polluted":1}}',
    '{"__proto__":{"kind":"resume"}}',
    '{"kind":"resume","constructor":{"prototype":{"polluted":1}}}',
    '{"kind":["resume"]}',
    '{"kind":"__proto__"}',
    '{"kind":"toString"}',
  ])('W17 a body that would change what objects are is refused: %s', async (body) => {
    const answer = await browser.send('post', '/api/commands').type('json').send(body);
    expect(answer.status).toBe(400);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(await page.commands()).toEqual([]);
  });

  it('W21 no question and no command names an address that somebody here would ask', async () => {
    const schemas = page.routes.flatMap(({ query, body }) => [query, ...(body === null ? [] : [body])]);
    const names = schemas.flatMap((schema) => fieldNames(z.toJSONSchema(schema, { io: 'input' })));
    expect(names).toContain('workspace');
    expect(names.filter((name) => addressLike.test(name))).toEqual([]);
    expect(['base_url', 'webhookUrl', 'homeserver', 'ollama_host'].filter((name) => !addressLike.test(name))).toEqual(
      [],
    );
  });

  it.each(['url', 'endpoint', 'homeserver', 'ollama_base_url', 'webhook'])(
    'W21 a command that brings one (%s) all the same is refused',
    async (field) => {
      const answer = await browser.command({ kind: 'resume', [field]: 'http://169.254.169.254/' });
      expect([answer.status, answer.body.error]).toEqual([400, 'bad_request']);
      expect(await page.commands()).toEqual([]);
    },
  );

  it('W18 of one session so many changes are taken in a minute, and another one may go on', async () => {
    for (let count = 0; count < dashboardLimits.commands; count += 1)
      expect((await browser.command({ kind: 'nothing' })).status).toBe(400);
    const refused = await browser.command({ kind: 'resume' });
    expect([refused.status, refused.body.error]).toEqual([429, 'too_many_requests']);
    expect((await browser.get('/api/now')).status).toBe(200);
    expect((await (await page.signIn()).command({ kind: 'resume' })).status).toBe(202);
  });

  it.each([
    '/metrics',
    '/debug',
    '/.well-known/security.txt',
    '/.env',
    '/.git/config',
    '/package.json',
    '/index.html',
    '/manifest.json',
    '/assets/',
    '/assets/index-abcdefgh.js.map',
    '/node_modules/express/package.json',
    '/..%2f..%2fetc/passwd',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/api/nothing',
    '/login/x',
    '/tasks/a/b/c',
    '/tasks/..',
    '/favicon.ico',
  ])('W20 there is nothing at %s', async (path) => {
    const answer = await browser.get(path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.body.error).toMatch(/not_found|bad_request/);
    expect(Object.keys(answer.body)).toEqual(['error', 'message']);
  });

  it('W20 a failure tells nothing of how the server is made; the log does', async () => {
    const now = async () => {
      throw new Error('SQLITE_ERROR in /index/index.sqlite: near "secret"');
    };
    await using failing = await TestPage.make({ queries: { now } });
    const answer = await (await failing.signIn()).get('/api/now');
    expect([answer.status, answer.body.error]).toEqual([500, 'internal']);
    expect(answer.text).not.toMatch(/sqlite|index|at |node_modules|\.ts|express/i);
    expect(answer.headers).not.toHaveProperty('x-powered-by');
    expect(answer.headers).not.toHaveProperty('server');
    expect(failing.log.join('')).toContain('SQLITE_ERROR in /index/index.sqlite');
  });

  it.each([
    ['not_found', 404],
    ['bad_request', 400],
    ['too_large', 413],
    ['index_rebuilding', 503],
  ] as const)('says why a question has no answer: %s', async (code, status) => {
    const now = async () => {
      throw new QueryError(code, 'The words of the query side.');
    };
    await using failing = await TestPage.make({ queries: { now } });
    const answer = await (await failing.signIn()).get('/api/now');
    expect([answer.status, answer.body]).toEqual([status, { error: code, message: 'The words of the query side.' }]);
  });

  it('A36 W24 two hundred questions change no byte on disk, open no session and give no order', async () => {
    const before = await digestOf(page.folder);
    const words = [
      '',
      '?q=x',
      '?_method=DELETE',
      '?action=approve&task=t1',
      '?limit=0',
      '/..',
      '/%00',
      '?kind=resume',
      '//x',
      '?after=1',
    ];
    for (let count = 0; count < 200; count += 1) {
      const address = `${questions[count % questions.length]}${words[count % words.length]}`;
      const method = count % 7 === 0 ? 'head' : 'get';
      const asked = request(page.app)[method](address).set({ host: localHost, cookie: browser.cookie });
      await asked.set({ 'x-http-method-override': 'POST', 'x-countersign-csrf': browser.csrf });
    }
    expect(await digestOf(page.folder)).toBe(before);
    expect(page.sessions.list()).toHaveLength(1);
    expect(page.orders).toEqual([]);
  });

  it('A36 a GET with a body is refused', async () => {
    expect((await browser.get('/api/now').type('json').send({ kind: 'resume' })).status).toBe(400);
  });
});

async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const status = await stat(join(folder, name));
    hash.update(`${name} ${status.mtimeMs} ${status.size}\n`);
    if (status.isFile()) hash.update(await readFile(join(folder, name)));
  }
  return hash.digest('hex');
}
