import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOrderSignedBy, ServiceOrder, serviceOrderLimits } from '@countersign/contracts/services-api.ts';
import { closeServer, listenOnSocket } from '@countersign/kit/socket-server.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceOrders } from './service-orders.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const container = {
  state: 'running',
  started_at: '2026-01-02T03:04:05.000Z',
  restarts: 0,
  image: 'countersign/runner',
};
const giving = {
  id: 'an-order-of-the-page',
  actor: { channel: 'dashboard' as const, user: 'operator' },
  evidence: 'page session 1',
  issuedMs: Date.parse('2026-01-02T03:04:05.678Z'),
};

describe('orders to the launcher', () => {
  let folder: string;
  let launcher: Server | null;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'service-orders-'));
    launcher = null;
  });
  afterEach(async () => {
    if (launcher !== null) await closeServer(launcher);
    await rm(folder, { recursive: true });
  });

  const socket = () => join(folder, 'services.sock');
  const answer = async (status: number, body: unknown, seen: (target: string, text: string) => void = () => {}) => {
    const listener: RequestListener = async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      seen(`${request.method} ${request.url}`, text);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    launcher = await listenOnSocket(listener, socket(), 0o600);
  };

  it('are signed, and good for a minute', async () => {
    const seen: string[] = [];
    await answer(200, container, (target, text) => seen.push(target, text));
    await using orders = new ServiceOrders(socket(), privateKey);
    const outcome = await orders.order({ kind: 'service_stop', service: 'runner' }, giving);
    expect(outcome).toEqual({ status: 'done', container });
    const [target, text = ''] = seen;
    expect(target).toBe('POST /orders');
    const order = ServiceOrder.parse(JSON.parse(text));
    expect(isOrderSignedBy(order, createPublicKey(privateKey))).toBe(true);
    expect(order).toMatchObject({ id: giving.id, kind: 'service_stop', subject: { service: 'runner' } });
    expect(Date.parse(order.expires_at) - giving.issuedMs).toBe(serviceOrderLimits.lifetimeMs);
  });

  it('are looked at without a signature', async () => {
    const seen: string[] = [];
    await answer(200, container, (target) => seen.push(target));
    await using orders = new ServiceOrders(socket(), privateKey);
    expect(await orders.look('matrix-listener', AbortSignal.timeout(5_000))).toEqual({ status: 'done', container });
    expect(seen).toEqual(['GET /services/matrix-listener']);
  });

  it('that are refused say why', async () => {
    await answer(429, { code: 'too-many-orders', message: 'wait a minute' });
    await using orders = new ServiceOrders(socket(), privateKey);
    const outcome = await orders.order({ kind: 'service_start', service: 'runner' }, giving);
    expect(outcome).toEqual({ status: 'refused', reason: 'wait a minute' });
  });

  it.each([
    ['nobody is there', null],
    ['somebody else is there', { hello: 'world' }],
  ])('come to nothing where %s, and say so', async (_, body) => {
    if (body !== null) await answer(200, body);
    await using orders = new ServiceOrders(socket(), privateKey);
    const outcome = await orders.order({ kind: 'service_start', service: 'runner' }, giving);
    expect(outcome).toMatchObject({ status: 'silent' });
    expect(await orders.look('runner', AbortSignal.timeout(1_000))).toMatchObject({ status: 'silent' });
  });

  it('a launcher that does not answer in time is silent', async () => {
    launcher = await listenOnSocket(() => undefined, socket(), 0o600);
    await using orders = new ServiceOrders(socket(), privateKey);
    expect(await orders.look('runner', AbortSignal.timeout(100))).toMatchObject({ status: 'silent' });
  });
});
