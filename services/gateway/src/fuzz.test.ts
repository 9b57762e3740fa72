import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { routes } from './allow-list.ts';
import { type GatewayFixture, startGateway } from './gateway-fixture.ts';
import { oddHeaders, oddMethods, oddPrefixes, oddSuffixes, oddVersions, RandomSource } from './random-source.ts';

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await startGateway({ overrides: { limits: { headersMs: 100, requestMs: 100, requestCheckMs: 20 } } });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const seed = 20_261_120;
const rounds = 50_000;
const atOnce = 32;

const random = new RandomSource(seed);

const segments = [
  'api',
  'v1',
  'chat',
  'tags',
  'show',
  'pull',
  'create',
  'delete',
  'blobs',
  '..',
  '.',
  '',
  '%2e%2e',
  'API',
  'models',
  'ch%61t',
  '\u00e9',
];
const bodies = [
  '',
  '{}',
  '{"model":"coder:7b"}',
  '{"model":"evil:cloud"}',
  '0\r\n\r\n',
  '2\r\n{}\r\n0\r\n\r\nPOST /api/pull HTTP/1.1\r\nhost: x\r\n\r\n',
];

function randomTarget(): string {
  if (random.number() < 0.5) return random.pick(routes).path + random.mostly(oddSuffixes);
  const count = 1 + Math.floor(random.number() * 4);
  const path = Array.from({ length: count }, () => random.pick(segments)).join('/');
  return `${random.pick(oddPrefixes)}/${path}${random.pick(oddSuffixes)}`;
}

function randomRequest(): string {
  const method = random.number() < 0.7 ? random.pick(['GET', 'POST']) : random.pick(oddMethods);
  const line = random.mutate(`${method} ${randomTarget()} ${random.mostly(oddVersions)}`);
  const body = random.number() < 0.4 ? '{"model":"coder:7b"}' : random.pick(bodies);
  const length = random.number() < 0.8 ? `content-length: ${body.length}\r\n` : '';
  return `${line}\r\nhost: x\r\n${random.mostly(oddHeaders)}${length}\r\n${body}`;
}

/** Where anything in this process dials from now on, by host and port; not the sockets in folders, by which the test asks. */
function recordDialling(): ReadonlySet<string> {
  const dialled = new Set<string>();
  subscribe('net.client.socket', (message) => {
    const { socket } = message as { socket: Socket };
    socket.once('connectionAttempt', (host, port?: number) => {
      if (port !== undefined) dialled.add(`${host}:${port}`);
    });
    socket.once('lookup', (_error, _address, _family, host) => dialled.add(`the name ${host}`));
  });
  return dialled;
}

test(`P1.4: of ${rounds} random requests only those on the list go on, as they are on the list`, async () => {
  const { upstream } = gateway;
  const dialled = recordDialling();
  const requests = Array.from({ length: rounds }, randomRequest);
  for (let from = 0; from < rounds; from += atOnce) {
    await Promise.all(requests.slice(from, from + atOnce).map((request) => gateway.raw(request)));
  }
  // Nowhere else was even tried: neither a connection nor a name.
  expect([...dialled].sort()).toEqual([new URL(upstream.origin).host]);
  const allowed = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  const outside = upstream.seen.filter(({ method, url }) => !allowed.has(`${method} ${url}`));
  expect(outside).toEqual([]);
  const models = upstream.seen.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body).model);
  expect(models.filter((model) => model !== 'coder:7b')).toEqual([]);
  // Both sides of the list were tried, or the test says nothing.
  expect(upstream.seen.length).toBeGreaterThan(100);
  expect(upstream.seen.length).toBeLessThan(rounds / 4);
}, 600_000);
