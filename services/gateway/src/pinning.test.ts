import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type FixtureOptions, type GatewayFixture, startGateway, until } from './gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

const whoami = '/_matrix/client/v3/account/whoami';
const notFound = Object.assign(new Error('no'), { code: 'ENOTFOUND' });

/** Answers every name as the test says, and keeps which were asked for. */
class Names {
  readonly asked: string[] = [];
  address: string | Error;

  constructor(address: string | Error) {
    this.address = address;
  }

  readonly lookup: LookupFunction = (name, _options, callback) => {
    this.asked.push(name);
    if (this.address instanceof Error) callback(this.address, '');
    else callback(null, [{ address: this.address, family: this.address.includes(':') ? 6 : 4 }]);
  };
}

/** Both servers have names, which lead to the ports of servers that run before the gateway does. */
async function start(names: Names, ports: { model: number; homeserver: number }, options: FixtureOptions = {}) {
  gateway = await startGateway({
    origin: `http://model.test:${ports.model}`,
    homeserverOrigin: `http://homeserver.test:${ports.homeserver}`,
    ...options,
    overrides: { lookup: names.lookup, limits: { sweepMs: 20 }, ...options.overrides },
  });
  return gateway;
}

async function health(): Promise<{ status?: string; reason?: string }> {
  const text = await readFile(join(gateway?.logsFolder ?? '', 'health.json'), 'utf8').catch(() => '{}');
  return JSON.parse(text);
}

/** A server that ends every connection with its answer, and counts them. */
async function serveOnce() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('S023: names are pinned', () => {
  test('one that begins to answer with another address changes nothing while connections succeed', async () => {
    await using server = await serveOnce();
    const names = new Names('127.0.0.1');
    const { ask, knock } = await start(names, { model: server.port, homeserver: server.port });
    await until(() => names.asked.length === 2);
    names.address = '169.254.169.254';
    for (let round = 0; round < 5; round += 1) {
      expect(await ask('/api/tags')).toMatchObject({ status: 200 });
      expect(await knock('GET', whoami)).toMatchObject({ status: 200 });
    }
    expect(server.connections).toBe(10);
    expect(names.asked.sort()).toEqual(['homeserver.test', 'model.test']);
  });

  test('they are resolved at the start, before anybody asks', async () => {
    const names = new Names('127.0.0.1');
    await start(names, { model: 9, homeserver: 9 });
    await until(() => names.asked.length === 2);
    await until(async () => (await health()).status === 'ok');
  });

  test('a server that has moved is found by the very request whose connection failed', async () => {
    await using server = await serveOnce();
    const names = new Names('::1');
    const { ask, knock } = await start(names, { model: server.port, homeserver: server.port });
    await until(() => names.asked.length === 2);
    names.address = '127.0.0.1';
    expect(await knock('GET', whoami)).toMatchObject({ status: 200 });
    expect(await ask('/api/tags')).toMatchObject({ status: 200 });
    expect(server.connections).toBe(2);
    expect(names.asked).toHaveLength(4);
  });

  test('a server that is merely down is looked up again, and is not said to have no address', async () => {
    const names = new Names('127.0.0.1');
    const { knock } = await start(names, { model: 9, homeserver: 9 });
    await until(() => names.asked.length === 2);
    expect(await knock('GET', whoami)).toMatchObject({ status: 503, text: expect.stringContaining('ECONNREFUSED') });
    expect(names.asked.filter((name) => name === 'homeserver.test')).toHaveLength(2);
    await until(async () => (await health()).status !== undefined);
    expect(await health()).toMatchObject({ status: 'ok' });
  });

  test('one that moves to an address that is not fit is not followed', async () => {
    const names = new Names('127.0.0.1');
    const { ask, knock } = await start(names, { model: 9, homeserver: 9 });
    await until(() => names.asked.length === 2);
    names.address = '192.168.1.20';
    const said = 'has the address 192.168.1.20, which is not in the tailnet; if that is meant, list it:';
    const answer = await knock('GET', whoami);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual({
      errcode: 'COUNTERSIGN_ADDRESS',
      error: `homeserver.test ${said} ALLOWED_ADDRESSES=192.168.1.20 in configs/hosts.env`,
    });
    const slot = await ask('/api/tags');
    expect(slot).toMatchObject({ status: 503, text: expect.stringContaining('not connected to') });
    expect(slot.text).not.toContain('192.168');
    await until(async () => (await health()).status === 'waiting');
    expect((await health()).reason).toContain(`model.test ${said}`);
    expect((await health()).reason).toContain(`; homeserver.test ${said}`);
  });
});

describe('a name that does not resolve', () => {
  test('does not keep the gateway from starting, is named, and is tried again by itself', async () => {
    await using server = await serveOnce();
    const names = new Names(notFound);
    const { ask, knock } = await start(names, { model: server.port, homeserver: server.port });
    await until(async () => (await health()).status === 'waiting');
    expect((await health()).reason).toBe(
      "model.test does not resolve (ENOTFOUND): check OLLAMA_BASE_URL in configs/hosts.env and this machine's DNS; " +
        "homeserver.test does not resolve (ENOTFOUND): check MATRIX_HOMESERVER in configs/hosts.env and this machine's DNS",
    );
    const answer = await knock('GET', whoami);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({
      errcode: 'COUNTERSIGN_ADDRESS',
      error: expect.stringContaining('MATRIX_HOMESERVER'),
    });
    expect((await ask('/api/tags')).status).toBe(503);
    names.address = '127.0.0.1';
    await until(async () => (await health()).status === 'ok');
    expect(await knock('GET', whoami)).toMatchObject({ status: 200 });
  });

  test('holds up neither the start nor the work loop', async () => {
    const { control, knock } = await start(
      new Names('127.0.0.1'),
      { model: 9, homeserver: 9 },
      {
        overrides: { lookup: () => undefined, limits: { sweepMs: 20, resolveMs: 50 } },
      },
    );
    expect(await control('GET', '/health')).toMatchObject({ status: 200 });
    expect(await knock('GET', whoami)).toMatchObject({
      status: 503,
      text: expect.stringContaining('no answer within'),
    });
    await until(async () => (await health()).reason?.includes('no answer within') === true);
  });
});

test("the stack's own servers have to be in the gateway's networks", async () => {
  const names = new Names('100.64.0.7');
  const { knock, control } = await start(
    names,
    { model: 9, homeserver: 9 },
    {
      embedded: true,
      overrides: { lookup: names.lookup, subnets: () => ['172.18.0.5/16'], limits: { sweepMs: 20 } },
    },
  );
  const said = "homeserver.test has the address 100.64.0.7, which is in none of the gateway's own networks";
  expect((await knock('GET', whoami)).text).toContain(said);
  expect(await control('GET', '/model')).toMatchObject({
    body: { status: 'unreachable', reason: expect.stringContaining('model.test has the address 100.64.0.7') },
  });
});

test('TLS is spoken to the name and not to the address', async () => {
  const hello: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes: Buffer) => {
      hello.push(bytes);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { knock } = await start(
    new Names('127.0.0.1'),
    { model: 9, homeserver: 9 },
    {
      homeserverOrigin: `https://homeserver.test:${port}`,
    },
  );
  expect(await knock('GET', whoami)).toMatchObject({ status: 503 });
  expect(hello[0]?.[0]).toBe(0x16);
  expect(Buffer.concat(hello).includes('homeserver.test')).toBe(true);
  await new Promise((resolve) => server.close(resolve));
});
