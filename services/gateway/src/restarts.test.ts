import { createConnection } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chat, type GatewayFixture, startGateway } from './gateway-fixture.ts';

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const rounds = process.env['COUNTERSIGN_TEST_ALL'] === 'yes' ? 500 : 50;
const attackers = 4;

function post(target: string, body: object): string {
  const text = JSON.stringify(body);
  return `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

const allowed = post('/api/chat', chat);
const forbidden = [
  post('/api/pull', { model: 'coder:7b' }),
  post('/api/chat', { ...chat, model: 'evil:cloud' }),
  post('/api/chat', { ...chat, keep_alive: -1 }),
  post('/api/chat/../pull', chat),
  post('http://evil/api/chat', chat),
  'CONNECT 127.0.0.1:11434 HTTP/1.1\r\nhost: x\r\n\r\n',
  'DELETE /api/delete HTTP/1.1\r\nhost: x\r\n\r\n',
];

/** The status of the answer, 0 where there is none. */
function ask(path: string, request: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => socket.write(request));
    socket.on('error', () => undefined);
    socket.once('data', (answer) => resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(String(answer))?.[1] ?? 0)));
    socket.once('close', () => resolve(0));
  });
}

test(`S044 while the gateway is restarted ${rounds} times with one model or another nothing goes on that is not allowed`, async () => {
  const { slotSocket, upstream, restart } = gateway;
  const statuses = { allowed: new Set<number>(), forbidden: new Set<number>() };
  let isOver = false;
  const attack = async (from: number) => {
    for (let turn = from; !isOver; turn += 1) {
      statuses.forbidden.add(await ask(slotSocket, forbidden[turn % forbidden.length] ?? ''));
      statuses.allowed.add(await ask(slotSocket, allowed));
    }
  };
  const attacks = Array.from({ length: attackers }, (_, from) => attack(from));
  for (let round = 0; round < rounds; round += 1) {
    await restart(round % 2 === 0 ? 'other:1b' : 'coder:7b');
    await ask(slotSocket, allowed);
  }
  isOver = true;
  await Promise.all(attacks);
  const seen = upstream.seen.map(({ method, url, body }) => `${method} ${url} ${JSON.parse(body).model}`);
  expect([...new Set(seen)]).toEqual(['POST /api/chat coder:7b']);
  expect([...statuses.forbidden].filter((status) => ![0, 400, 403].includes(status))).toEqual([]);
  // With a gateway that serves the model, with one that does not, and with none, or the test says nothing.
  expect(statuses.allowed).toEqual(new Set([0, 200, 403]));
  expect(statuses.forbidden).toContain(403);
}, 120_000);
