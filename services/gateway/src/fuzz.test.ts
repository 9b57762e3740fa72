import { afterAll, beforeAll, expect, test } from 'vitest';
import { routes } from './allow-list.ts';
import { type GatewayFixture, startGateway } from './gateway-fixture.ts';

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await startGateway({ overrides: { limits: { headersMs: 100, requestMs: 100, requestCheckMs: 20 } } });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const seed = 20_261_120;
const rounds = 10_000;
const atOnce = 32;

/** Mulberry32: small, and the same on every machine. */
function randomNumbers(state: number): () => number {
  let value = state;
  return () => {
    value = (value + 0x6d2b79f5) | 0;
    let mixed = Math.imul(value ^ (value >>> 15), value | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomNumbers(seed);
/** One of the list, or, more often than not, its first. */
const mostly = <Item>(items: readonly Item[]): Item => (random() < 0.8 ? (items[0] as Item) : pick(items));
const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'PATCH',
  'get',
  'POST\t',
  'G ET',
  'PRI',
  'M-SEARCH',
];
const prefixes = [
  '',
  '',
  '',
  '/',
  'http://evil',
  'http://model:11434',
  '//evil',
  '@',
  ' ',
  '\\',
  '*',
  'evil:443',
  '..',
  '/..',
];
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
const suffixes = [
  '',
  '?',
  '?a=b',
  '#',
  '/',
  '%00',
  '\0',
  ';',
  ' ',
  '\t',
  '\\',
  '.',
  '%20',
  '%0d%0a',
  '\rX: y',
  '\nX: y',
];
const versions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', ''];
const headers = [
  '',
  '',
  'connection: upgrade\r\nupgrade: h2c\r\n',
  'expect: 100-continue\r\n',
  'x-original-url: /api/pull\r\n',
  'host: y\r\n',
  'transfer-encoding: chunked\r\n',
  'content-length: 0\r\n',
  'content-length: 5\r\n',
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
  if (random() < 0.5) return pick(routes).path + mostly(suffixes);
  const count = 1 + Math.floor(random() * 4);
  return `${pick(prefixes)}/${Array.from({ length: count }, () => pick(segments)).join('/')}${pick(suffixes)}`;
}

/** Turns one character into another now and then. */
function mutate(line: string): string {
  if (random() < 0.85) return line;
  const at = Math.floor(random() * line.length);
  return (
    line.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + line.slice(at + (random() < 0.5 ? 1 : 0))
  );
}

function randomRequest(): string {
  const line = mutate(
    `${random() < 0.7 ? pick(['GET', 'POST']) : pick(methods)} ${randomTarget()} ${mostly(versions)}`,
  );
  const body = random() < 0.4 ? '{"model":"coder:7b"}' : pick(bodies);
  const length = random() < 0.8 ? `content-length: ${body.length}\r\n` : '';
  return `${line}\r\nhost: x\r\n${mostly(headers)}${length}\r\n${body}`;
}

test(`P1.4: of ${rounds} random requests only those on the list go on, as they are on the list`, async () => {
  const { upstream } = gateway;
  const requests = Array.from({ length: rounds }, randomRequest);
  for (let from = 0; from < rounds; from += atOnce) {
    await Promise.all(requests.slice(from, from + atOnce).map((request) => gateway.raw(request)));
  }
  const allowed = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  const outside = upstream.seen.filter(({ method, url }) => !allowed.has(`${method} ${url}`));
  expect(outside).toEqual([]);
  const models = upstream.seen.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body).model);
  expect(models.filter((model) => model !== 'coder:7b')).toEqual([]);
  // Both sides of the list were tried, or the test says nothing.
  expect(upstream.seen.length).toBeGreaterThan(100);
  expect(upstream.seen.length).toBeLessThan(rounds / 4);
}, 120_000);
