import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEngine } from './engine.ts';
import { compile } from './policy.ts';
import { ingredients } from './testing/ingredients.ts';

let folder = '';
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'launcher-engine-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function engineThat(answers: RequestListener) {
  server = createServer(answers).listen(join(folder, 'engine.sock'));
  await once(server, 'listening');
  return createEngine(join(folder, 'engine.sock'));
}

const soon = () => AbortSignal.timeout(5_000);
const json = (status: number, body: unknown): RequestListener => {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
};

test('an engine that is not there, or does not answer in time, is unreachable', async () => {
  const absent = createEngine(join(folder, 'engine.sock'));
  await expect(absent.version(soon())).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/ENOENT/),
  });
  const silent = await engineThat(() => undefined);
  const calls = [
    silent.version(AbortSignal.timeout(100)),
    silent.image('a:b', AbortSignal.timeout(100)),
    silent.list({}, AbortSignal.timeout(100)),
    silent.start('c1', AbortSignal.timeout(100)),
  ];
  for (const outcome of await Promise.allSettled(calls))
    expect(outcome).toMatchObject({ reason: { code: 'unreachable', message: 'no answer in time' } });
});

test('S019 an engine that is too old says so', async () => {
  const message = 'client version 1.45 is too new. Maximum supported API version is 1.41';
  const engine = await engineThat(json(400, { message }));
  await expect(engine.version(soon())).rejects.toMatchObject({ code: 'refused', message });
});

test.each([
  [404, 'not-found'],
  [409, 'conflict'],
  [400, 'refused'],
  [500, 'refused'],
])('status %i is %s', async (status, code) => {
  const engine = await engineThat(json(status, { message: 'because' }));
  await expect(engine.start('c1', soon())).rejects.toMatchObject({ code, message: 'because' });
});

test('a container that is in that state already is a conflict', async () => {
  const engine = await engineThat((_request, response) => void response.writeHead(304).end());
  await expect(engine.start('c1', soon())).rejects.toMatchObject({ code: 'conflict' });
  await expect(engine.stop('c1', 1, soon())).rejects.toMatchObject({ code: 'conflict' });
});

test.each([[{}], [[]], ['text'], [{ Id: 'sha256:short', Config: {} }]])(
  'the answer %j is not taken for an image',
  async (body) => {
    const engine = await engineThat(json(200, body));
    await expect(engine.image('a:b', soon())).rejects.toMatchObject({ code: 'refused' });
  },
);

test('a missing image, volume or container is null', async () => {
  const engine = await engineThat(json(404, { message: 'no such thing' }));
  expect([
    await engine.image('a:b', soon()),
    await engine.volume('v', soon()),
    await engine.inspect('c', soon()),
  ]).toEqual([null, null, null]);
});

test('S006 what is compiled goes into the body, and only the name into the address', async () => {
  const seen = Promise.withResolvers<{ url: string; body: unknown }>();
  const engine = await engineThat(async (request, response) => {
    const chunks = await Array.fromAsync(request);
    seen.resolve({ url: request.url ?? '', body: JSON.parse(Buffer.concat(chunks).toString()) });
    json(201, { Id: 'c1', Warnings: [] })(request, response);
  });
  const options = compile(ingredients);
  expect(await engine.create('a-sandbox-b', options, soon())).toBe('c1');
  expect(await seen.promise).toEqual({ url: '/v1.45/containers/create?name=a-sandbox-b', body: options });
});

test('a service is stopped by its id with the time that it has, and of how it stands no more is taken than is told', async () => {
  const seen: string[] = [];
  const State = { Status: 'running', StartedAt: '2026-11-20T10:00:00Z', Pid: 7 };
  const engine = await engineThat((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.method === 'POST') response.writeHead(204).end();
    else
      json(200, { Id: 'c1', Image: 'sha256:x', RestartCount: 1, State, Config: { Env: ['SECRET=x'] } })(
        request,
        response,
      );
  });
  await engine.stop('c1', 15, soon());
  expect(await engine.inspectService('c1', soon())).toEqual({
    Id: 'c1',
    Image: 'sha256:x',
    RestartCount: 1,
    State: { Status: 'running', StartedAt: '2026-11-20T10:00:00Z' },
  });
  expect(seen).toEqual(['POST /v1.45/containers/c1/stop?t=15', 'GET /v1.45/containers/c1/json']);
});

test('what the engine leaves out is empty', async () => {
  const engine = await engineThat((incoming, response) => {
    const { pathname } = new URL(incoming.url ?? '', 'http://engine');
    const answers: Record<string, unknown> = {
      '/v1.45/volumes/v': { Driver: 'local', Options: null },
      '/v1.45/info': { Runtimes: { runc: {}, runsc: { runtimeArgs: ['--host-uds=all'] } } },
      '/v1.45/images/a/json': { Id: `sha256:${'a'.repeat(64)}`, Config: null },
      '/v1.45/images/b/json': { Id: `sha256:${'b'.repeat(64)}`, Config: { User: 'x' }, RootFS: { Layers: ['l'] } },
      '/v1.45/containers/json': [{ Id: 'c1', Names: ['/x'], Labels: null }],
    };
    json(200, answers[pathname])(incoming, response);
  });
  expect(await engine.volume('v', soon())).toEqual({ driver: 'local', options: {} });
  expect(await engine.runtimes(soon())).toEqual(
    new Map([
      ['runc', []],
      ['runsc', ['--host-uds=all']],
    ]),
  );
  expect(await engine.image('a', soon())).toMatchObject({ config: {}, layers: [] });
  expect(await engine.image('b', soon())).toMatchObject({ config: { User: 'x' }, layers: ['l'] });
  expect(await engine.list({}, soon())).toEqual([{ Id: 'c1', Names: ['/x'], Labels: {} }]);
});

test('a volume has its options, by which one that stands for a folder of the host is told', async () => {
  const engine = await engineThat(json(200, { Driver: 'local', Options: { o: 'bind', device: '/' } }));
  expect(await engine.volume('v', soon())).toEqual({ driver: 'local', options: { o: 'bind', device: '/' } });
});

test('a container is signalled, and removed with what it alone had', async () => {
  const seen: string[] = [];
  const engine = await engineThat((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    response.writeHead(204).end();
  });
  await engine.kill('c1', 'SIGINT', soon());
  await engine.remove('c1', soon());
  expect(seen).toEqual([
    'POST /v1.45/containers/c1/kill?signal=SIGINT',
    'DELETE /v1.45/containers/c1?force=true&v=true',
  ]);
});

test.each([
  [404, null],
  [409, null],
  [500, 'refused'],
])('a removal that the engine answers with %i comes to %s', async (status, code) => {
  const engine = await engineThat(json(status, { message: 'because' }));
  const outcome = await engine.remove('c1', soon()).catch((error: unknown) => error);
  if (code === null) expect(outcome).toBeUndefined();
  else expect(outcome).toMatchObject({ code });
});

test('an engine says its version', async () => {
  const engine = await engineThat(json(200, { Version: '26.1.5', ApiVersion: '1.45', Os: 'linux' }));
  expect(await engine.version(soon())).toEqual({ engine: '26.1.5', api: '1.45' });
});
