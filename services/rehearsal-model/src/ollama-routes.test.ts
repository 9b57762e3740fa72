import supertest from 'supertest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentTools, type StartedModel, startModel } from './started-model.ts';

const saysSo = /I am the rehearsal model, not a language model/;
let model: StartedModel;
beforeAll(async () => {
  model = await startModel();
});
afterAll(() => model[Symbol.asyncDispose]());

const messages = [{ role: 'user', content: 'create hello.txt with hi' }];

async function lines(response: Response) {
  return (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('GET /api/version, /api/tags and /api/ps tell what is there', async () => {
  const version = await supertest(model.url).get('/api/version').expect(200);
  expect(version.body).toEqual({ version: '0.0.0-rehearsal' });
  const names = ['rehearsal:latest', 'rehearsal-no-tools:latest', 'rehearsal-small-context:latest'];
  const tags = await supertest(model.url).get('/api/tags').expect(200);
  expect(tags.body.models.map(({ name }: { name: string }) => name)).toEqual(names);
  expect(tags.body.models[0]).toMatchObject({
    model: 'rehearsal:latest',
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const running = await supertest(model.url).get('/api/ps').expect(200);
  expect(running.body.models.map(({ name }: { name: string }) => name)).toEqual(names);
});

test.each([
  ['rehearsal', ['completion', 'tools'], 32_768],
  ['rehearsal:latest', ['completion', 'tools'], 32_768],
  ['rehearsal-no-tools', ['completion'], 32_768],
  ['rehearsal-small-context', ['completion', 'tools'], 2_048],
])('POST /api/show of %s', async (name, capabilities, contextLength) => {
  const { body } = await supertest(model.url).post('/api/show').send({ model: name }).expect(200);
  expect(body.capabilities).toEqual(capabilities);
  expect(body.model_info['general.architecture']).toBe('rehearsal');
  expect(body.model_info['rehearsal.context_length']).toBe(contextLength);
  expect(body.details.description).toMatch(saysSo);
});

test('POST /api/chat streams lines of JSON in small pieces unless told otherwise', async () => {
  const response = await model.post('/api/chat', { model: 'rehearsal', messages, tools: agentTools });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const frames = await lines(response);
  const last = frames.pop();
  expect(frames.every(({ done, message }) => !done && message.role === 'assistant')).toBe(true);
  expect(frames.filter(({ message }) => message.content).length).toBeGreaterThan(2);
  expect(frames.map(({ message }) => message.content).join('')).toMatch(saysSo);
  expect(frames.flatMap(({ message }) => message.tool_calls ?? [])).toEqual([
    { function: { name: 'write_file', arguments: { path: 'hello.txt', content: 'hi\n' } } },
  ]);
  expect(last).toMatchObject({ model: 'rehearsal', message: { content: '' }, done: true, done_reason: 'stop' });
  for (const counter of [
    'total_duration',
    'load_duration',
    'prompt_eval_count',
    'prompt_eval_duration',
    'eval_count',
    'eval_duration',
  ]) {
    expect(last[counter], counter).toBeGreaterThan(0);
  }
});

test('POST /api/chat answers in one object when not streamed', async () => {
  const asked = { model: 'rehearsal', messages, tools: agentTools, stream: false };
  const { body } = await supertest(model.url).post('/api/chat').send(asked).expect(200);
  expect(body).toMatchObject({ done: true, done_reason: 'stop', message: { role: 'assistant' } });
  expect(body.message.content).toMatch(saysSo);
  expect(body.message.tool_calls[0].function.name).toBe('write_file');
  expect(body.message).not.toHaveProperty('thinking');
});

test('thinks first when asked to', async () => {
  const frames = await lines(await model.post('/api/chat', { model: 'rehearsal', messages, think: true }));
  const firstContent = frames.findIndex(({ message }) => message.content);
  expect(firstContent).toBeGreaterThan(0);
  expect(frames.slice(0, firstContent).every(({ message }) => message.thinking)).toBe(true);
  expect(frames.slice(firstContent).some(({ message }) => message.thinking)).toBe(false);
});

test('POST /api/generate answers with a plan, streamed and not', async () => {
  const asked = { model: 'rehearsal', prompt: 'Execution plan:\n## Tasks\n1. Run git status' };
  const frames = await lines(await model.post('/api/generate', asked));
  const streamed = frames.map(({ response }) => response).join('');
  const { body } = await supertest(model.url)
    .post('/api/generate')
    .send({ ...asked, stream: false })
    .expect(200);
  expect(streamed).toBe(body.response);
  expect(body.response).toMatch(saysSo);
  expect(body.response).toMatch(/## Tasks\n\n1\. Run git status/);
});

test('an empty chat or prompt loads the model and says nothing', async () => {
  const chat = await supertest(model.url).post('/api/chat').send({ model: 'rehearsal', messages: [] }).expect(200);
  expect(chat.body).toMatchObject({ done: true, done_reason: 'load', message: { content: '' } });
  const unload = { model: 'rehearsal', keep_alive: 0 };
  const generate = await supertest(model.url).post('/api/generate').send(unload).expect(200);
  expect(generate.body).toMatchObject({ done: true, done_reason: 'unload', response: '' });
});

test.each(['/api/chat', '/api/generate', '/api/show'])('%s refuses as Ollama does', async (path) => {
  const missing = await supertest(model.url).post(path).send({ model: 'x', messages, prompt: 'hi' }).expect(404);
  expect(missing.body).toEqual({ error: "model 'x' not found" });
  const bad = await supertest(model.url).post(path).type('json').send('{"model": ').expect(400);
  expect(bad.body).toEqual({ error: expect.stringMatching(/JSON/) });
  const none = await supertest(model.url).post(path).expect(400);
  expect(none.body).toEqual({ error: 'missing request body' });
  const wrong = await supertest(model.url).post(path).send({ model: 5 }).expect(400);
  expect(wrong.body).toEqual({ error: expect.stringMatching(/model/) });
});

test('refuses tools for a model without them, what is too large, and what it does not speak', async () => {
  const asked = { model: 'rehearsal-no-tools', messages, tools: agentTools };
  const tools = await supertest(model.url).post('/api/chat').send(asked).expect(400);
  expect(tools.body.error).toMatch(/does not support tools/);
  const large = await model.post('/api/generate', { model: 'rehearsal', prompt: 'x'.repeat(17 * 1024 * 1024) });
  expect(large.status).toBe(413);
  expect(await large.json()).toEqual({ error: expect.stringMatching(/too large/) });
  const pull = await supertest(model.url).post('/api/pull').send({ model: 'x' }).expect(404);
  expect(pull.body.error).toMatch(/no POST \/api\/pull/);
});
