import { generateKeyPairSync } from 'node:crypto';
import type { Json } from '@countersign/contracts/canonical-json.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { ToldOrders as Answer } from '@countersign/contracts/launcher-api.ts';
import {
  ServiceContainer,
  ServiceRefusal,
  signServiceOrder,
  type UnsignedServiceOrder,
} from '@countersign/contracts/services-api.ts';
import { signatureOf } from '@countersign/contracts/signature.ts';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../engine-error.ts';
import { launcherLimits } from '../limits.ts';
import { launcherParts } from '../testing/launcher-parts.ts';
import { OrderBook } from './order-book.ts';
import { createServiceRoutes } from './service-routes.ts';
import { Services } from './services.ts';

const image = `sha256:${'b'.repeat(64)}`;
const now = Date.parse('2026-11-20T12:00:00.000Z');
const time = (offsetMs: number) => new Date(now + offsetMs).toISOString();
const labels = (service: string, change: Record<string, string> = {}) => ({
  'com.docker.compose.project': 'countersign',
  'com.docker.compose.service': service,
  'com.docker.compose.oneoff': 'False',
  'com.docker.compose.config-hash': 'abc',
  ...change,
});

/** A launcher of a stack with both services, and somebody who holds the dashboard's key. */
function begin(options: { readonly known?: boolean; readonly startedAt?: number } = {}) {
  const parts = launcherParts();
  const { engine, told, logger } = parts;
  const add = (id: string, service: string, status = 'running', change: Record<string, string> = {}) =>
    engine.services.set(id, {
      labels: labels(service, change),
      inspection: {
        Id: id,
        Image: image,
        RestartCount: 2,
        State: { Status: status, StartedAt: '2026-11-20T10:00:01.987654321Z' },
      },
    });
  add('countersign-runner-1', 'runner');
  add('countersign-matrix-listener-1', 'matrix-listener', 'exited');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  let clock = now;
  const book = new OrderBook(options.known === false ? null : publicKey, options.startedAt ?? now - 3_600_000);
  const services = new Services(engine, 'countersign');
  const stop = new AbortController().signal;
  const app = createServiceRoutes({ services, orders: book, told }, logger, stop, () => clock);
  let count = 0;
  const unsigned = (change: Partial<UnsignedServiceOrder> = {}): UnsignedServiceOrder => ({
    version: 1,
    id: `order-${String(++count).padStart(14, '0')}`,
    kind: 'service_stop',
    subject: { service: 'runner' },
    actor: { channel: 'dashboard', user: 'operator' },
    evidence: 'request 1',
    issued_at: time(0),
    expires_at: time(30_000),
    key_id: keyIdOf('dashboard', publicKey),
    ...change,
  });
  return {
    ...parts,
    control: parts.app,
    app,
    add,
    privateKey,
    unsigned,
    pass: (ms: number) => {
      clock += ms;
    },
    sign: (change: Partial<UnsignedServiceOrder> = {}) => signServiceOrder(unsigned(change), privateKey),
    post: (body: unknown) =>
      request(app)
        .post('/orders')
        .send(body as object),
    /** What the engine was asked to do, and not only asked about. */
    deeds: () => engine.calls.filter((call) => /^(start|stop|kill|remove|create)/.test(call)),
  };
}
const refusal = (response: request.Response) => [response.status, ServiceRefusal.parse(response.body).code];

describe('what is told of a service', () => {
  test('is its state, its start, its restarts and its image, and nothing else', async () => {
    const { app } = begin();
    const response = await request(app).get('/services/runner');
    expect(response.body).toEqual({ state: 'running', started_at: '2026-11-20T10:00:01.987Z', restarts: 2, image });
    expect((await request(app).get('/services/matrix-listener')).body).toMatchObject({ state: 'exited' });
  });

  test('is no start where there was none', async () => {
    const { app, engine } = begin();
    const service = engine.services.get('countersign-runner-1');
    if (service !== undefined) service.inspection.State = { Status: 'created', StartedAt: '0001-01-01T00:00:00Z' };
    expect((await request(app).get('/services/runner')).body).toMatchObject({ state: 'created', started_at: null });
  });

  test.each(['launcher', 'gateway', 'dashboard', 'sandbox', 'Runner', 'runner-1', 'runner%00', '..%2f', 'constructor'])(
    'W23 is nothing of %s',
    async (name) => {
      const { app, engine } = begin();
      expect(refusal(await request(app).get(`/services/${name}`))).toEqual([404, 'no-such-service']);
      expect(engine.calls).toEqual([]);
    },
  );
});

describe('a signed order', () => {
  test('stops and starts its service, and is written down before and after', async () => {
    const { post, sign, deeds, log, told, control } = begin();
    const stopped = await post(sign());
    expect(stopped.status).toBe(200);
    expect(ServiceContainer.parse(stopped.body)).toMatchObject({ state: 'exited' });
    const started = await post(sign({ kind: 'service_start' }));
    expect(started.body).toMatchObject({ state: 'running', started_at: '2026-11-20T11:00:00.123Z' });
    expect(deeds()).toEqual([`stop countersign-runner-1 ${launcherLimits.stopSeconds}`, 'start']);
    expect(log).toMatchObject([
      { msg: 'a service order is carried out', kind: 'service_stop', service: 'runner', user: 'operator' },
      { msg: 'a service order was carried out', kind: 'service_stop', done: true },
      { msg: 'a service order is carried out', kind: 'service_start' },
      { msg: 'a service order was carried out', kind: 'service_start', evidence: 'request 1' },
    ]);
    expect(Answer.parse((await request(control).get('/orders')).body).orders).toEqual(told.list());
    expect(told.list()).toMatchObject([
      { kind: 'service_stop', service: 'runner', done: true, message: 'it is exited', at: time(0) },
      { kind: 'service_start', done: true, message: 'it is running' },
    ]);
  });

  test('for what is so already changes nothing', async () => {
    const { post, sign, deeds } = begin();
    expect((await post(sign({ kind: 'service_start' }))).body).toMatchObject({ state: 'running' });
    expect((await post(sign({ subject: { service: 'matrix-listener' } }))).body).toMatchObject({ state: 'exited' });
    expect(deeds()).toEqual([]);
  });

  test('W27 is carried out once, delivered twice at the same moment', async () => {
    const { post, sign, deeds } = begin();
    const order = sign();
    const answers = await Promise.all([post(order), post(order), post(order)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(deeds()).toHaveLength(1);
  });

  test('W23 is forgotten only when it has expired', async () => {
    const { post, sign, pass, deeds } = begin();
    const order = sign({ kind: 'service_stop' });
    await post(order);
    pass(29_999);
    expect(refusal(await post(order))).toEqual([409, 'taken-already']);
    pass(1);
    expect(refusal(await post(order))).toEqual([403, 'expired']);
    expect(deeds()).toHaveLength(1);
  });

  test('that the engine cannot carry out is refused, counts as taken, and says what is wrong', async () => {
    const { post, sign, engine, told } = begin();
    const order = sign();
    engine.down = new EngineError('unreachable', 'ENOENT');
    expect(refusal(await post(order))).toEqual([503, 'engine-down']);
    engine.down = new EngineError('refused', 'no');
    expect(refusal(await post(sign()))).toEqual([500, 'internal']);
    engine.down = null;
    expect(refusal(await post(order))).toEqual([409, 'taken-already']);
    expect(told.list().map(({ done }) => done)).toEqual([false, false, false]);
  });

  test('that the engine refuses when it is asked is refused, and told as not done', async () => {
    const { post, sign, engine, told } = begin();
    engine.stop = () => Promise.reject(new EngineError('refused', 'permission denied'));
    expect(refusal(await post(sign()))).toEqual([500, 'internal']);
    expect(told.list().map(({ done }) => done)).toEqual([false]);
  });

  test('is told of as long as it is among the newest', () => {
    const { told } = begin();
    const order = (at: number) => ({ at: time(at) }) as never;
    for (let at = 0; at <= launcherLimits.toldOrders; at += 1) told.add(order(at));
    expect(told.list()).toHaveLength(launcherLimits.toldOrders);
    expect(told.list()[0]).toEqual({ at: time(1) });
  });

  test('of somebody who was overtaken says how it stands', async () => {
    const { post, sign, engine } = begin();
    engine.stop = async (id) => {
      const service = engine.services.get(id);
      if (service !== undefined) service.inspection.State.Status = 'exited';
      throw new EngineError('conflict', 'not running');
    };
    expect((await post(sign())).body).toMatchObject({ state: 'exited' });
  });
});

describe('W23 refused, with nothing done and nothing believed', () => {
  const nothing = (ground: ReturnType<typeof begin>) => expect(ground.deeds()).toEqual([]);

  test.each<[string, number, string, Partial<UnsignedServiceOrder>]>([
    ['that has expired', 403, 'expired', { issued_at: time(-60_000), expires_at: time(0) }],
    ['that is good for longer than a minute', 422, 'bad-request', { expires_at: time(60_001) }],
    ['that expires before it was signed', 422, 'bad-request', { expires_at: time(0) }],
    ['of the future', 422, 'bad-request', { issued_at: time(5_001), expires_at: time(30_000) }],
    ['by a key that is not the dashboard’s', 403, 'unknown-key', { key_id: 'dashboard-0000000000000000' }],
    ['by a key of another channel', 403, 'unknown-key', { key_id: 'shell-0123456789abcdef' }],
  ])('an order %s', async (_what, status, code, change) => {
    const ground = begin();
    expect(refusal(await ground.post(ground.sign(change)))).toEqual([status, code]);
    nothing(ground);
  });

  test('an order that was signed before the launcher started, since nobody knows whether it was taken', async () => {
    const ground = begin({ startedAt: now });
    expect(refusal(await ground.post(ground.sign()))).toEqual([403, 'expired']);
    nothing(ground);
    expect((await ground.post(ground.sign({ issued_at: time(1) }))).status).toBe(200);
  });

  test('every order where there is no key', async () => {
    const ground = begin({ known: false });
    expect(refusal(await ground.post(ground.sign()))).toEqual([403, 'unknown-key']);
    nothing(ground);
  });

  test('an order of which a byte was changed, and one that another key signed', async () => {
    const ground = begin();
    const order = ground.sign();
    for (const change of [
      { kind: 'service_start' },
      { subject: { service: 'matrix-listener' } },
      { id: 'order-99999999999999' },
      { actor: { channel: 'dashboard', user: 'root' } },
      { evidence: 'another' },
      { expires_at: time(30_001) },
      { issued_at: time(1) },
    ])
      expect(refusal(await ground.post({ ...order, ...change }))).toEqual([403, 'bad-signature']);
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(refusal(await ground.post(signServiceOrder(ground.unsigned(), privateKey)))).toEqual([403, 'bad-signature']);
    nothing(ground);
    expect(ground.told.list()).toEqual([]);
    expect(JSON.stringify(ground.log)).not.toMatch(/another|matrix-listener|root/);
    // Whoever cannot sign uses up nobody's id.
    expect((await ground.post(order)).status).toBe(200);
  });

  test.each<[string, Record<string, Json>]>([
    ['another service', { subject: { service: 'launcher' } }],
    ['a service by its container', { subject: { service: 'countersign-runner-1' } }],
    ['several services', { subject: { service: ['runner', 'matrix-listener'] } }],
    ['another kind', { kind: 'service_remove' }],
    ['a decision on a task', { kind: 'approve', subject: { task: 'abcde', digest: 'd'.repeat(64) } }],
    ['more than there is', { subject: { service: 'runner', signal: 'SIGKILL' } }],
    ['a project', { project: 'other' }],
    ['another channel', { actor: { channel: 'shell', user: 'operator' } }],
    ['another version', { version: 2 }],
  ])('an order of %s, well signed', async (_what, change) => {
    const ground = begin();
    const order = { ...ground.unsigned(), ...change };
    const response = await ground.post({ ...order, signature: signatureOf(order, ground.privateKey) });
    expect(refusal(response)).toEqual([422, 'bad-request']);
    nothing(ground);
  });

  test.each(['', 'x', '[]', 'null', '{', `{"a":"${'x'.repeat(5_000)}"}`])('the body %.20s', async (body) => {
    const ground = begin();
    const response = await request(ground.app).post('/orders').set('content-type', 'application/json').send(body);
    expect(refusal(response)).toEqual([422, 'bad-request']);
    nothing(ground);
  });

  test('anything else that the engine’s or the control socket’s API has', async () => {
    const ground = begin();
    for (const [method, path] of [
      ['post', '/services/runner'],
      ['delete', '/services/runner'],
      ['get', '/orders'],
      ['get', '/sandboxes'],
      ['post', '/sandboxes'],
      ['get', '/health'],
      ['get', '/services/runner/'],
      ['get', '/SERVICES/runner'],
      ['get', '/services'],
      ['get', '/v1.45/containers/json'],
    ] as const)
      expect((await request(ground.app)[method](path)).status, `${method} ${path}`).toBe(404);
    nothing(ground);
  });

  test('more orders than are remembered; later there is room again', async () => {
    const ground = begin();
    for (let index = 0; index < launcherLimits.orders; index += 1)
      expect((await ground.post(ground.sign({ kind: 'service_start' }))).status).toBe(200);
    expect(refusal(await ground.post(ground.sign()))).toEqual([429, 'too-many-orders']);
    ground.pass(30_000);
    expect((await ground.post(ground.sign({ issued_at: time(30_000), expires_at: time(40_000) }))).status).toBe(200);
    expect(ground.told.list()).toHaveLength(launcherLimits.orders + 2);
  });
});

describe('W23 whose container it is', () => {
  const other: Record<string, Record<string, string>> = {
    'of another stack': { 'com.docker.compose.project': 'other' },
    'of another service': { 'com.docker.compose.service': 'runner-2' },
    'of docker compose run': { 'com.docker.compose.oneoff': 'True' },
    'of its image alone': { 'com.docker.compose.config-hash': '' },
    'of a sandbox': { 'countersign.sandbox': 'a'.repeat(32) },
  };
  test.each(Object.entries(other))('one %s is none', async (_what, change) => {
    const ground = begin();
    ground.engine.listsEverything = true;
    ground.add('stranger', 'runner', 'running', change);
    expect((await ground.post(ground.sign())).body).toMatchObject({ state: 'exited' });
    ground.engine.services.delete('countersign-runner-1');
    expect(refusal(await ground.post(ground.sign()))).toEqual([404, 'no-such-service']);
    expect(ground.deeds()).toEqual([`stop countersign-runner-1 ${launcherLimits.stopSeconds}`]);
  });

  test('one that has no mark of Compose’s is none', async () => {
    const ground = begin();
    ground.engine.listsEverything = true;
    ground.add('stranger', 'runner');
    Reflect.deleteProperty(ground.engine.services.get('stranger')?.labels ?? {}, 'com.docker.compose.config-hash');
    expect((await ground.post(ground.sign())).body).toMatchObject({ state: 'exited' });
    expect(ground.deeds()).toEqual([`stop countersign-runner-1 ${launcherLimits.stopSeconds}`]);
  });

  test('of two nobody knows which is meant', async () => {
    const ground = begin();
    ground.add('countersign-runner-2', 'runner');
    expect(refusal(await ground.post(ground.sign()))).toEqual([409, 'several-containers']);
    expect(ground.deeds()).toEqual([]);
  });
});
