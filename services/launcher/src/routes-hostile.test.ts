import { Refusal } from '@countersign/contracts/launcher-api.ts';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { launcherParts } from './testing/launcher-parts.ts';

const slot = '0123456789abcdef0123456789abcdef';
const refusalOf = (response: request.Response) => Refusal.parse(response.body).code;

const start = { profile: 'default', slot };

/** What is no part of a request's vocabulary; what would widen a container is in `widening.test.ts`. */
const smuggled = [
  'name',
  'project',
  'volume',
  '_query',
  '_body',
  'authconfig',
  'abortSignal',
  'constructor',
  'prototype',
];

const hostileSlots: unknown[] = [
  '',
  '/',
  '..',
  '../etc',
  'a/b',
  slot.toUpperCase(),
  `${slot}0`,
  slot.slice(1),
  `${slot}\n`,
  ` ${slot}`,
  `${slot}/..`,
  `${slot}\u0000`,
  'countersign_runner',
  'countersign-runner-1',
  'countersign_slots',
  'countersign_default',
  'none',
  'host',
  'bridge',
  '０'.repeat(32),
  [slot],
  { $ne: slot },
  0,
  null,
  true,
];

const hostileProfiles: unknown[] = [
  '',
  '.',
  '..',
  '../default',
  'default/../default',
  './default',
  'Default',
  'DEFAULT',
  'default ',
  'default\n',
  'default\u0000',
  'dеfault',
  'constructor',
  'prototype',
  '__proto__',
  'hasOwnProperty',
  'toString',
  'a'.repeat(33),
  ['default'],
  { name: 'default' },
  0,
  null,
];

const hostileWorkspaces: unknown[] = [
  '',
  '.',
  '..',
  '../app',
  'a/b',
  'a:b',
  'a@sha256:0',
  '-a',
  '.a',
  'a..b',
  'a.lock',
  'a\n',
  'a\u0000',
  'аpp',
  'a'.repeat(65),
  ['app'],
  { name: 'app' },
  0,
  true,
];

describe('hostile input reaches no engine', () => {
  test.each([
    ...smuggled.map((key) => [`extra key ${key}`, { ...start, [key]: { a: 1 } }] as const),
    ['extra key __proto__', `{"profile":"default","slot":"${slot}","__proto__":{"Privileged":true}}`] as const,
    ...hostileSlots.map((value) => [`slot ${JSON.stringify(value)}`, { ...start, slot: value }] as const),
    ...hostileProfiles.map((value) => [`profile ${JSON.stringify(value)}`, { ...start, profile: value }] as const),
    ...hostileWorkspaces.map(
      (value) => [`workspace ${JSON.stringify(value)}`, { ...start, workspace: value }] as const,
    ),
    ['no slot', { profile: 'default' }] as const,
    ['no profile', { slot }] as const,
    ['an array', [start]] as const,
    ['a string', '"default"'] as const,
    ['null', 'null'] as const,
    ['no JSON', '{"profile":'] as const,
    ['nothing', ''] as const,
    ['too much', JSON.stringify({ ...start, pad: 'x'.repeat(5000) })] as const,
  ])('S005 S009 POST /sandboxes with %s makes nothing', async (_name, body) => {
    const { app, engine } = launcherParts();
    const response = await request(app).post('/sandboxes').set('content-type', 'application/json').send(body);
    expect([404, 422]).toContain(response.status);
    expect(['bad-request', 'unknown-profile']).toContain(refusalOf(response));
    expect(engine.calls).toEqual([]);
  });

  test('a body that says nothing of its type is no body, and one that is packed is not unpacked', async () => {
    const { app, engine } = launcherParts();
    const bare = request(app).post('/sandboxes').unset('content-type');
    const packed = request(app).post('/sandboxes').set('content-encoding', 'gzip').send(start);
    for (const response of [await bare, await packed])
      expect([response.status, refusalOf(response)]).toEqual([422, 'bad-request']);
    expect(engine.calls).toEqual([]);
  });

  test.each([
    ['text/plain', JSON.stringify(start)],
    ['application/x-www-form-urlencoded', `profile=default&slot=${slot}`],
  ])('a body of type %s is no body', async (type, body) => {
    const { app, engine } = launcherParts();
    const response = await request(app).post('/sandboxes').set('content-type', type).send(body);
    expect([response.status, refusalOf(response)]).toEqual([422, 'bad-request']);
    expect(engine.calls).toEqual([]);
  });

  test('where it means nothing a query string is not looked at', async () => {
    const { app, engine } = launcherParts();
    await request(app).post(`/sandboxes?slot=${slot}&profile=default`).send({});
    await request(app).delete(`/sandboxes?id=${slot}`);
    expect(engine.calls).toEqual([]);
  });

  test.each([
    '..',
    '%2e%2e',
    'runner',
    'countersign_default',
    '..%2f..',
    'a%2fb',
    '%2f',
    slot.toUpperCase(),
    `${slot}0`,
    `${slot}%00`,
    `${slot}%0a`,
    '%',
    '%ff',
    '*',
    'countersign-runner-1',
    `countersign-sandbox-${slot}`,
  ])('S009 /sandboxes/%s names no sandbox', async (id) => {
    const { app, engine } = launcherParts();
    for (const response of [
      await request(app).delete(`/sandboxes/${id}`),
      await request(app).post(`/sandboxes/${id}/signal`).send({ signal: 'SIGKILL' }),
    ]) {
      expect([404, 422]).toContain(response.status);
      expect(refusalOf(response)).toBe('bad-request');
    }
    expect(engine.calls).toEqual([]);
  });

  test.each([
    { signal: 'SIGSTOP' },
    { signal: 'sigkill' },
    { signal: 9 },
    { signal: '' },
    {},
    { signal: 'SIGKILL', all: true },
    [],
  ])('signal %j is refused', async (body) => {
    const { app, engine } = launcherParts();
    const response = await request(app).post(`/sandboxes/${slot}/signal`).send(body);
    expect([response.status, refusalOf(response)]).toEqual([422, 'bad-request']);
    expect(engine.calls).toEqual([]);
  });

  test.each([
    'workspace=',
    'workspace=..%2fapp',
    'workspace=a%2fb',
    'workspace=a%00',
    'workspace=a&workspace=b',
    'workspace[]=a',
    'workspace[name]=a',
    'Workspace=a',
    'workspace=a&image=x',
    'image=countersign/other',
    '__proto__=a',
    'constructor=a',
    '=a',
    'a',
  ])('/profiles/default?%s asks for nothing', async (query) => {
    const { app, engine } = launcherParts();
    const response = await request(app).get(`/profiles/default?${query}`);
    expect([response.status, refusalOf(response)]).toEqual([422, 'bad-request']);
    expect(engine.calls).toEqual([]);
  });

  test.each([
    '..%2fdefault',
    '%2e%2e',
    'Default',
    'constructor',
    '__proto__',
    'default%00',
    'default%20',
    '%',
    'a'.repeat(33),
  ])('/profiles/%s is no profile', async (name) => {
    const { app, engine } = launcherParts();
    const response = await request(app).get(`/profiles/${name}`);
    expect([404, 422]).toContain(response.status);
    expect(['bad-request', 'unknown-profile']).toContain(refusalOf(response));
    expect(engine.calls).toEqual([]);
  });

  test.each([
    ['get', '/containers/json'],
    ['post', '/containers/create'],
    ['put', `/sandboxes/${slot}/archive`],
    ['post', `/sandboxes/${slot}/exec`],
    ['get', `/sandboxes/${slot}/logs`],
    ['post', `/sandboxes/${slot}/attach`],
    ['get', `/sandboxes/${slot}`],
    ['post', '/images/create'],
    ['post', '/build'],
    ['post', '/Sandboxes'],
    ['post', '/sandboxes/'],
    ['delete', '/sandboxes'],
  ] as const)('there is no %s %s', async (method, path) => {
    const { app, engine } = launcherParts();
    const response = await request(app)[method](path).send(start);
    expect([response.status, refusalOf(response)]).toEqual([404, 'bad-request']);
    expect(engine.calls).toEqual([]);
  });

  test('a long message is cut before it is answered or logged', async () => {
    const { app, log } = launcherParts();
    const response = await request(app)
      .post('/sandboxes')
      .send({ ...start, ['x'.repeat(3000)]: 1 });
    expect(response.body.message.length).toBeLessThanOrEqual(500);
    expect(JSON.stringify(log).length).toBeLessThan(1000);
  });
});
