import { ModelReport } from '@countersign/contracts/gateway-api.ts';
import { afterEach, expect, test } from 'vitest';
import type { FakeUpstream } from './fake-upstream.ts';
import { type FixtureOptions, type GatewayFixture, startGateway } from './gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

const described = {
  model_info: { 'general.architecture': 'qwen2', 'qwen2.context_length': 32_768 },
  capabilities: ['completion', 'tools'],
};

/** A server with these models, each described by `show`. */
function serve(upstream: FakeUpstream, names: string[], show: object): void {
  upstream.answer = ({ url }, response) => {
    const listing = { models: names.map((name) => ({ name, size: 1 })) };
    response.end(JSON.stringify(url === '/api/tags' ? listing : show));
  };
}

async function report(prepare: (upstream: FakeUpstream) => void, options?: FixtureOptions) {
  gateway = await startGateway(options);
  prepare(gateway.upstream);
  const { status, body } = await gateway.control('GET', '/model');
  expect(status).toBe(200);
  return ModelReport.parse(body);
}

test('a model that is there', async () => {
  expect(await report((upstream) => serve(upstream, ['other:1b', 'coder:7b'], described))).toEqual({
    status: 'ready',
    kind: 'own',
    name: 'coder:7b',
    context_length: 32_768,
    tools: true,
  });
  expect(gateway?.upstream.seen.map(({ url, body }) => [url, body])).toEqual([
    ['/api/tags', ''],
    ['/api/show', '{"model":"coder:7b"}'],
  ]);
});

test('the tag latest may be left out', async () => {
  const ready = await report((upstream) => serve(upstream, ['coder:latest'], described), { model: 'coder' });
  expect(ready).toMatchObject({ status: 'ready', name: 'coder' });
});

test.each([
  ['no tools', { ...described, capabilities: ['completion'] }, { context_length: 32_768, tools: false }],
  ['an old server, with tools', { model_info: described.model_info, template: '{{ if .Tools }}' }, { tools: true }],
  ['an old server, without', { model_info: described.model_info, template: '{{ .Prompt }}' }, { tools: false }],
  ['a context from the parameters', { parameters: 'stop "x"\nnum_ctx    4096\ntop_k 3' }, { context_length: 4096 }],
])('%s', async (_what, show, expected) => {
  const ready = await report((upstream) => serve(upstream, ['coder:7b'], show));
  expect(ready).toMatchObject({ status: 'ready', ...expected });
});

test.each([
  ['is not there', ['other:1b', 'coder:1b'], described, 'ollama pull coder:7b'],
  ['nothing is there', [], described, 'on that host'],
  ['runs in a cloud', ['coder:7b'], { ...described, remote_host: 'https://ollama.com:443' }, 'cloud'],
  ['does not say its context', ['coder:7b'], { model_info: {} }, 'context length'],
])('a model that cannot be used: %s', async (_what, names, show, said) => {
  const missing = await report((upstream) => serve(upstream, names, show));
  expect(missing).toMatchObject({ status: 'missing', name: 'coder:7b', reason: expect.stringContaining(said) });
});

test.each<[string, (upstream: FakeUpstream) => void, FixtureOptions, string]>([
  ['nobody listens', () => undefined, { origin: 'http://127.0.0.1:9' }, 'ECONNREFUSED'],
  ['a metadata address', () => undefined, { origin: 'http://169.254.169.254' }, 'special address'],
  [
    'a redirect',
    (upstream) => {
      upstream.answer = (_request, response) => response.writeHead(302, { location: '/' }).end();
    },
    {},
    'redirects',
  ],
  [
    'an error',
    (upstream) => {
      upstream.answer = (_request, response) => response.writeHead(500).end();
    },
    {},
    '500',
  ],
  [
    'not JSON',
    (upstream) => {
      upstream.answer = (_request, response) => response.end('<html>');
    },
    {},
    'not that of an Ollama server',
  ],
  [
    'other JSON',
    (upstream) => {
      upstream.answer = (_request, response) => response.end('{"models":5}');
    },
    {},
    'not that of an Ollama server',
  ],
  [
    'no answer',
    (upstream) => {
      upstream.answer = () => undefined;
    },
    { overrides: { limits: { modelProbeMs: 50 } } },
    'no answer within',
  ],
  [
    'too long an answer',
    (upstream) => {
      upstream.answer = (_request, response) => response.end('x'.repeat(200));
    },
    { overrides: { limits: { modelProbeBytes: 100 } } },
    'more than 100 bytes',
  ],
])('a server that cannot be asked: %s', async (_what, prepare, options, said) => {
  const unreachable = await report(prepare, options);
  expect(unreachable).toMatchObject({ status: 'unreachable', reason: expect.stringContaining(said) });
  expect(unreachable).toMatchObject({ reason: expect.stringContaining('coder:7b') });
});

test('asked by many at once, the server is asked once', async () => {
  await report((upstream) => serve(upstream, ['coder:7b'], described));
  const before = gateway?.upstream.seen.length;
  await Promise.all(Array.from({ length: 20 }, () => gateway?.control('GET', '/model')));
  expect(gateway?.upstream.seen.length).toBe(before);
});
