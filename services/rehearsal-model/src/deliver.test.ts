import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { agentTools, type StartedModel, startModel } from './started-model.ts';

let model: StartedModel;
beforeAll(async () => {
  model = await startModel();
});
afterAll(() => model[Symbol.asyncDispose]());

function ask(directive: string, more: object = {}, signal?: AbortSignal) {
  const messages = [
    { role: 'system', content: `rehearsal: ${directive}` },
    { role: 'user', content: 'create a.txt with hi' },
  ];
  return model.post('/api/chat', { model: 'rehearsal', messages, tools: agentTools, ...more }, signal);
}

function askOpenAi(directive: string, stream: boolean) {
  const messages = [{ role: 'user', content: `create a.txt with hi\nrehearsal: ${directive}` }];
  return model.post('/v1/chat/completions', { model: 'rehearsal', messages, tools: agentTools, stream });
}

test('slow: chunks arrive one by one, not all at the end', async () => {
  const reader = (await ask('slow 20ms')).body?.getReader();
  const sizes: number[] = [];
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) sizes.push(part.value.length);
  expect(sizes.length).toBeGreaterThan(5);
});

test('pause: nothing is answered before it is over', async () => {
  const order: string[] = [];
  const paused = ask('pause 300ms').then(() => order.push('paused'));
  await Promise.all([ask('slow 0ms').then(() => order.push('prompt')), paused]);
  expect(order).toEqual(['prompt', 'paused']);
});

test('error: refuses with that status, in each protocol', async () => {
  const ollama = await ask('error 503');
  expect(ollama.status).toBe(503);
  expect(await ollama.json()).toEqual({ error: expect.stringMatching(/^503/) });
  const openAi = await askOpenAi('error 429', true);
  expect(openAi.status).toBe(429);
  expect(await openAi.json()).toMatchObject({ error: { message: expect.stringMatching(/^429/) } });
});

test('cut: the connection ends in mid-answer, streamed or not', async () => {
  const stream = await ask('cut');
  expect(stream.status).toBe(200);
  await expect(stream.text()).rejects.toThrow();
  await expect((await askOpenAi('cut', true)).text()).rejects.toThrow();
  await expect((await ask('cut', { stream: false })).text()).rejects.toThrow();
});

test('cut: what came before it is well formed', async () => {
  const reader = (await ask('cut')).body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const readAll = async () => {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) text += part.value;
  };
  await expect(readAll()).rejects.toThrow();
  const whole = text.split('\n').slice(0, -1);
  expect(whole.length).toBeGreaterThan(1);
  expect(whole.every((line) => JSON.parse(line).done === false)).toBe(true);
});

test('mid-stream-error: an error is the last line, and a plain answer fails as a whole', async () => {
  const frames = (await (await ask('mid-stream-error')).text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(frames.length).toBeGreaterThan(2);
  expect(frames.at(-1)).toEqual({ error: expect.any(String) });
  const events = (await (await askOpenAi('mid-stream-error', true)).text()).trimEnd().split('\n\n');
  expect(JSON.parse(events.at(-1)?.slice('data: '.length) ?? '')).toMatchObject({ error: { type: 'api_error' } });
  expect((await ask('mid-stream-error', { stream: false })).status).toBe(500);
});

test('garbage-stream: a line that is no JSON, streamed or not', async () => {
  const lines = (await (await ask('garbage-stream')).text()).trimEnd().split('\n');
  expect(lines.filter((line) => line.includes('{?model?'))).toHaveLength(1);
  await expect((await ask('garbage-stream', { stream: false })).json()).rejects.toThrow(SyntaxError);
});

test('length: the answer ends early and says so', async () => {
  const ollama = JSON.parse(await (await ask('length', { stream: false })).text());
  expect(ollama.done_reason).toBe('length');
  expect(ollama.message).not.toHaveProperty('tool_calls');
  const openAi = JSON.parse(await (await askOpenAi('length', false)).text());
  expect(openAi.choices[0].finish_reason).toBe('length');
});

test('long-output: arrives whole', async () => {
  const text = await (await ask('long-output 2000')).text();
  const content = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).message.content)
    .join('');
  expect(content.length).toBeGreaterThan(2000 * 1024);
});

test.each([
  ['a slow stream', 'slow 1s', {}],
  ['a pause', 'pause 60s', {}],
  ['a slow whole answer', 'slow 60s', { stream: false }],
])('a client that goes away in the middle of %s stops the work', async (_name, directive, more) => {
  const stopped = () => model.logs.filter(({ msg }) => String(msg).includes('the client went away')).length;
  const before = stopped();
  const client = new AbortController();
  const request = ask(directive, more, client.signal).then((response) => response.body?.getReader().read());
  setTimeout(() => client.abort(), 100);
  await request.catch((error: Error) => expect(error.name).toBe('AbortError'));
  await vi.waitFor(() => expect(stopped()).toBe(before + 1));
});

test('a client that does not read, then goes away, stops the work too', async () => {
  const stopped = () => model.logs.filter(({ msg }) => String(msg).includes('the client went away')).length;
  const before = stopped();
  const prompt = 'run ls\nrehearsal: long-output 16000';
  const body = JSON.stringify({ model: 'rehearsal', prompt });
  const socket = connect(Number(new URL(model.url).port), '127.0.0.1').pause();
  await once(socket, 'connect');
  socket.write(`POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), 300);
  await vi.waitFor(() => expect(stopped()).toBe(before + 1));
});
