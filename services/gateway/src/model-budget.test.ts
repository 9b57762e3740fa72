import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { chat, type FixtureOptions, type GatewayFixture, startGateway, until } from './gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

type Budget = { tokens: number | null; requests: number | null };

async function start(budget: Budget, options?: FixtureOptions) {
  const started = await startGateway(options);
  gateway = started;
  const tell = (body: unknown) => started.control('PUT', `/slots/${started.slot}`, body);
  await tell({ budget });
  const slot = async () => (await started.control('GET', `/slots/${started.slot}`)).body;
  return { ...started, tell, slotNow: slot };
}

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

const answering = (prompt: number, completion: number) => (_request: unknown, response: ServerResponse) =>
  void response.end(`{"done":true,"prompt_eval_count":${prompt},"eval_count":${completion}}\n`);
const line = '{"message":{"content":"a"},"done":false}\n';
const openAiChat = { model: 'coder:7b', messages: chat.messages };

describe('a budget of requests', () => {
  test('lets as many through and no more, and says so in a way that clients take for final', async () => {
    const { ask, upstream, slotNow } = await start({ tokens: null, requests: 2 });
    upstream.answer = answering(3, 4);
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 200 });
    expect(await ask('/v1/chat/completions', openAiChat)).toMatchObject({ status: 200 });
    // All were allowed: only a further one is one too many.
    expect(await slotNow()).toMatchObject({ tokens: { requests: 2 }, exceeded: null });
    const ollama = await ask('/api/chat', chat);
    expect(ollama.status).toBe(403);
    expect(JSON.parse(ollama.text)).toEqual({ error: expect.stringMatching(/budget of 2 requests .* used up/) });
    const openAi = await ask('/v1/chat/completions', openAiChat);
    expect(openAi.status).toBe(403);
    expect(JSON.parse(openAi.text)).toMatchObject({
      error: { message: expect.stringContaining('2 requests'), code: 'budget_requests' },
    });
    expect(await slotNow()).toMatchObject({ tokens: { requests: 2 }, exceeded: 'requests' });
    expect(upstream.seen).toHaveLength(2);
  });

  test('holds for requests at once', async () => {
    const { ask, upstream } = await start({ tokens: null, requests: 3 });
    const waiting: (() => void)[] = [];
    upstream.answer = (_request, response) => void waiting.push(() => response.end('{}'));
    const asked = Array.from({ length: 6 }, () => ask('/api/chat', chat));
    await until(() => waiting.length === 3);
    for (const end of waiting) end();
    const statuses = (await Promise.all(asked)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 403, 403, 403]);
  });

  test('counts what the model works on: listing costs nothing, and goes on', async () => {
    const { ask, usage } = await start({ tokens: null, requests: 1 });
    for (let request = 0; request < 3; request += 1) expect(await ask('/api/tags')).toMatchObject({ status: 200 });
    await ask('/api/show', { model: 'coder:7b' });
    expect(await usage()).toMatchObject({ requests: 0 });
    await ask('/api/embed', { model: 'coder:7b', input: 'a' });
    expect(await ask('/api/embed', { model: 'coder:7b', input: 'a' })).toMatchObject({ status: 403 });
    expect(await ask('/api/tags')).toMatchObject({ status: 200 });
  });
});

describe('a budget of tokens', () => {
  test.each([
    ['/api/chat', chat, ({ options }: { options: { num_predict: number } }) => options.num_predict],
    ['/v1/chat/completions', openAiChat, ({ max_tokens }: { max_tokens: number }) => max_tokens],
  ] as const)('%s asks the model for no more than is left', async (path, body, limitOf) => {
    const { ask, upstream } = await start({ tokens: 1_000, requests: null });
    upstream.answer = answering(300, 200);
    await ask('/api/chat', chat);
    await ask(path, body);
    expect(upstream.seen.map((seen, index) => (index === 0 ? 0 : limitOf(JSON.parse(seen.body))))).toEqual([0, 500]);
  });

  test('leaves a smaller wish as it is', async () => {
    const { ask, upstream } = await start({ tokens: 1_000, requests: null });
    await ask('/api/chat', { ...chat, options: { num_predict: 7 } });
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toMatchObject({ options: { num_predict: 7 } });
  });

  test('once used up, refuses everything further', async () => {
    const { ask, upstream, slotNow } = await start({ tokens: 1_000, requests: null });
    upstream.answer = answering(900, 100);
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 200 });
    expect(await slotNow()).toMatchObject({ exceeded: null });
    for (let request = 0; request < 3; request += 1) {
      const refused = await ask('/api/chat', chat);
      expect(refused.status).toBe(403);
      expect(JSON.parse(refused.text).error).toMatch(/budget of 1000 tokens is used up \(1000 were used\)/);
    }
    expect(await slotNow()).toEqual({
      id: expect.any(String),
      tokens: { prompt: 900, completion: 100, requests: 1 },
      exceeded: 'tokens',
      events: null,
      posts: [],
    });
    expect(upstream.seen).toHaveLength(1);
  });

  test('that a prompt has passed is exceeded at once', async () => {
    const { ask, upstream, slotNow } = await start({ tokens: 1_000, requests: null });
    upstream.answer = answering(1_500, 1);
    await ask('/api/chat', chat);
    expect(await slotNow()).toMatchObject({ exceeded: 'tokens' });
  });

  test('cuts streams that together pass it, and their requests upstream', async () => {
    const { ask, upstream, slotNow, logged } = await start({ tokens: 100, requests: null });
    const streams: ServerResponse[] = [];
    let cancelled = 0;
    upstream.answer = (_request, response) => {
      streams.push(response);
      response.on('close', () => {
        if (!response.writableEnded) cancelled += 1;
      });
    };
    const asked = [ask('/api/chat', chat), ask('/api/chat', chat)].map((answer) => answer.catch(() => 'broken off'));
    await until(() => streams.length === 2);
    for (const stream of streams) stream.write(line.repeat(60));
    expect(await Promise.all(asked)).toEqual(['broken off', 'broken off']);
    await until(() => cancelled === 2);
    expect(await slotNow()).toMatchObject({ exceeded: 'tokens' });
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 403 });
    await until(() => logged.filter(({ ended }) => ended === 'budget').length === 2);
  }, 2_000);

  test('an answer that has not begun is refused when another has used it up', async () => {
    const { ask, upstream } = await start({ tokens: 100, requests: null });
    const streams: ServerResponse[] = [];
    upstream.answer = (_request, response) => void streams.push(response);
    const asked = [ask('/api/chat', chat), ask('/api/chat', chat)];
    await until(() => streams.length === 2);
    streams[0]?.end('{"done":true,"prompt_eval_count":90,"eval_count":20}\n');
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  });

  test('what an answer in one piece may come to is kept for it', async () => {
    const { ask, upstream } = await start({ tokens: 100, requests: null });
    const waiting: ServerResponse[] = [];
    upstream.answer = (_request, response) => void waiting.push(response);
    const first = ask('/api/chat', { ...chat, stream: false });
    await until(() => waiting.length === 1);
    expect(await ask('/api/chat', { ...chat, stream: false })).toMatchObject({ status: 429 });
    waiting[0]?.end('{"done":true,"prompt_eval_count":1,"eval_count":1}');
    await first;
    upstream.answer = answering(1, 1);
    expect(await ask('/api/chat', { ...chat, stream: false })).toMatchObject({ status: 200 });
  });
});

describe('what an answer does not say is estimated', () => {
  test('a client that leaves just before the end is charged with what came', async () => {
    const { ask, upstream, slotNow } = await start({ tokens: null, requests: null });
    upstream.answer = (_request, response) => response.write(line.repeat(41), () => response.destroy());
    await expect(ask('/api/chat', chat)).rejects.toThrow();
    const bytes = Buffer.byteLength(upstream.seen[0]?.body ?? '');
    await until(async () => JSON.stringify(await slotNow()).includes('"completion":40'));
    expect(await slotNow()).toMatchObject({ tokens: { prompt: Math.ceil(bytes / 4), completion: 40, requests: 1 } });
  });

  test('a stream whose client asked for no figures', async () => {
    const { ask, upstream, usage } = await start({ tokens: null, requests: null });
    upstream.answer = (_request, response) => void response.end('data: {"choices":[]}\n\n'.repeat(34));
    await ask('/v1/chat/completions', { ...openAiChat, stream: true });
    expect(await usage()).toMatchObject({ completion: 30, requests: 1 });
  });

  test('a prompt counts as long as the model reads of it', async () => {
    const { ask, upstream, usage } = await start({ tokens: null, requests: null });
    upstream.answer = (_request, response) => void response.end('{}');
    const messages = [{ role: 'user', content: 'x'.repeat(100_000) }];
    await ask('/api/chat', { ...chat, messages, options: { num_ctx: 2_048 } });
    expect(await usage()).toMatchObject({ prompt: 2_048 });
  });

  test('what the model server refuses costs nothing', async () => {
    const { ask, upstream, usage } = await start({ tokens: null, requests: null });
    upstream.answer = (_request, response) => void response.writeHead(500).end('{"error":"no memory"}');
    await ask('/api/chat', chat);
    expect(await usage()).toEqual({ prompt: 0, completion: 0, requests: 1 });
  });
});

describe('the runner tells the slot', () => {
  test('again and again, and what was used stays', async () => {
    const { ask, upstream, tell } = await start({ tokens: 1_000, requests: null });
    upstream.answer = answering(600, 400);
    await ask('/api/chat', chat);
    await ask('/api/chat', chat);
    const budget = { tokens: 1_000, requests: null };
    expect(await tell({ budget })).toMatchObject({ status: 200, body: { exceeded: 'tokens' } });
    expect(await tell({})).toMatchObject({ status: 200, body: { exceeded: 'tokens' } });
  });

  test('what was spent before a restart of the gateway, and the larger figure counts', async () => {
    const { ask, upstream, tell, usage } = await start({ tokens: null, requests: null });
    const spent = { prompt: 700, completion: 200, requests: 9 };
    expect(await tell({ budget: { tokens: 1_000, requests: 10 }, spent })).toMatchObject({ body: { tokens: spent } });
    upstream.answer = answering(5, 5);
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 200 });
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toMatchObject({ options: { num_predict: 100 } });
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 403 });
    // What the runner knows may be older than what was metered since.
    await tell({ spent });
    expect(await usage()).toEqual({ prompt: 705, completion: 205, requests: 10 });
  });

  test.each([
    ['what is no budget', { budget: { tokens: 0, requests: null } }],
    ['an unknown key', { budgets: {} }],
    ['no JSON', '{"budget'],
    ['too much', JSON.stringify({ x: 'x'.repeat(10_000) })],
  ])('%s is refused', async (_what, body) => {
    const { tell } = await start({ tokens: null, requests: null });
    expect(await tell(body)).toMatchObject({ status: 400 });
  });
});
