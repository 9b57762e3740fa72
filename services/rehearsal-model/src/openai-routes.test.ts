import supertest from 'supertest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCodeTools, type StartedModel, startModel } from './started-model.ts';

const saysSo = /I am the rehearsal model, not a language model/;
let model: StartedModel;
beforeAll(async () => {
  model = await startModel();
});
afterAll(() => model[Symbol.asyncDispose]());

const messages = [
  { role: 'developer', content: 'Be brief.' },
  { role: 'user', content: [{ type: 'text', text: 'create hello.txt with hi' }] },
];
const asked = { model: 'rehearsal', messages, tools: openCodeTools };
const written = { filePath: 'hello.txt', content: 'hi\n' };

async function events(response: Response) {
  const blocks = (await response.text()).split('\n\n').filter((block) => block !== '');
  return { last: blocks.pop(), chunks: blocks.map((block) => JSON.parse(block.replace(/^data: /, ''))) };
}

test('GET /v1/models lists the models', async () => {
  const { body } = await supertest(model.url).get('/v1/models').expect(200);
  expect(body.object).toBe('list');
  expect(body.data[0]).toMatchObject({ id: 'rehearsal:latest', object: 'model', owned_by: 'library' });
});

test('POST /v1/chat/completions answers in one object unless told to stream', async () => {
  const { body } = await supertest(model.url).post('/v1/chat/completions').send(asked).expect(200);
  const [choice] = body.choices;
  expect(choice.finish_reason).toBe('tool_calls');
  expect(choice.message.content).toMatch(saysSo);
  const [call] = choice.message.tool_calls;
  expect(call).toMatchObject({ id: 'call_1', type: 'function', function: { name: 'write' } });
  expect(JSON.parse(call.function.arguments)).toEqual(written);
  expect(body.usage.total_tokens).toBe(body.usage.prompt_tokens + body.usage.completion_tokens);
  expect(body.usage.prompt_tokens).toBeGreaterThan(0);
});

test('streams events, with the call and its arguments in deltas, the usage on request, and [DONE]', async () => {
  const response = await model.post('/v1/chat/completions', {
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const { last, chunks } = await events(response);
  expect(last).toBe('data: [DONE]');
  expect(chunks.pop()).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
  expect(chunks.pop().choices[0]).toEqual({ index: 0, delta: {}, finish_reason: 'tool_calls' });
  const deltas = chunks.map(({ choices }) => choices[0].delta);
  expect(deltas.map(({ content }) => content ?? '').join('')).toMatch(saysSo);
  const calls = deltas.flatMap(({ tool_calls }) => tool_calls ?? []);
  expect(calls[0]).toMatchObject({ index: 0, id: 'call_1', type: 'function', function: { name: 'write' } });
  expect(calls.length).toBeGreaterThan(2);
  expect(JSON.parse(calls.map((call) => call.function.arguments).join(''))).toEqual(written);
});

test('goes on by the results that came back, and ends with text where no tool ends a task', async () => {
  const told = [
    { role: 'user', content: 'create hello.txt with hi\nrun git status' },
    { role: 'assistant', content: null, tool_calls: [] },
    { role: 'tool', tool_call_id: 'call_1', content: 'Wrote file' },
  ];
  const second = await supertest(model.url)
    .post('/v1/chat/completions')
    .send({ ...asked, messages: told });
  const [call] = second.body.choices[0].message.tool_calls;
  expect(call).toMatchObject({ id: 'call_2', function: { name: 'bash' } });
  expect(JSON.parse(call.function.arguments)).toEqual({ command: 'git status', description: 'run git status' });

  const more = [...told, { role: 'tool', tool_call_id: 'call_2', content: 'clean\nvery' }];
  const third = await supertest(model.url)
    .post('/v1/chat/completions')
    .send({ ...asked, messages: more });
  const [choice] = third.body.choices;
  expect(choice.finish_reason).toBe('stop');
  expect(choice.message).not.toHaveProperty('tool_calls');
  expect(choice.message.content).toMatch(saysSo);
  expect(choice.message.content).toMatch(/run git status: clean/);
});

test('answers in JSON when a format asks for it', async () => {
  const schema = {
    type: 'object',
    properties: { plan: { type: 'string' }, steps: { type: 'array', items: { type: 'string' } } },
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'plan', schema } };
  const { body } = await supertest(model.url)
    .post('/v1/chat/completions')
    .send({ model: 'rehearsal', messages, response_format });
  const answer = JSON.parse(body.choices[0].message.content);
  expect(answer.plan).toMatch(saysSo);
  expect(answer.steps).toEqual(['create hello.txt with hi']);
});

test("refuses in OpenAI's shape", async () => {
  const missing = await supertest(model.url)
    .post('/v1/chat/completions')
    .send({ ...asked, model: 'x' })
    .expect(404);
  expect(missing.body.error).toMatchObject({ message: "model 'x' not found", type: 'not_found_error' });
  const wrong = await supertest(model.url).post('/v1/chat/completions').send({ model: 'rehearsal' }).expect(400);
  expect(wrong.body.error).toMatchObject({ message: expect.stringMatching(/messages/), type: 'invalid_request_error' });
});
