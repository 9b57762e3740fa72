import { afterEach, describe, expect, it } from 'vitest';
import { documented, OllamaDouble, type Scripted, says, shortWaits } from '../testing/ollama-double.ts';
import { Model } from './model.ts';
import { chatPersistently } from './persistent-chat.ts';

const options = { tools: [], style: 'native', contextTokens: 8192, answerTokens: 2048 } as const;
const never = new AbortController().signal;
let server: OllamaDouble;
afterEach(() => server.close());

async function serve(...script: readonly Scripted[]): Promise<Model> {
  server = await OllamaDouble.listen(...script);
  return new Model(server.host, 'llama3.2', shortWaits);
}
const hello = [{ role: 'user', content: 'why is the sky blue?' }] as const;

describe('a streamed answer', () => {
  it('is put together from its chunks, with its counts', async () => {
    const model = await serve(says(documented.content('The'), documented.content(' sky')));
    expect(await model.chat(hello, options, never)).toEqual({
      content: 'The sky',
      calls: [],
      cutOff: false,
      promptTokens: 169,
      completionTokens: 15,
    });
    expect(server.seen[0]).toMatchObject({
      model: 'llama3.2',
      stream: true,
      options: { num_ctx: 8192, num_predict: 2048 },
    });
  });

  it('may be cut anywhere, in the middle of JSON and of a character', async () => {
    const whole = Buffer.from(documented.content('Grüße, 世界 🙂') + documented.done());
    const insideOf = (character: string) => whole.indexOf(character) + 1;
    const cuts = [10, insideOf('ü'), insideOf('世'), insideOf('🙂') + 1, whole.length - 20, whole.length];
    const pieces = cuts.map((cut, index) => whole.subarray(cuts[index - 1] ?? 0, cut));
    const model = await serve({ pieces });
    expect((await model.chat(hello, options, never)).content).toBe('Grüße, 世界 🙂');
  });

  it('may think first; thoughts are not part of it', async () => {
    const model = await serve(says(documented.thinking('Let me see.'), documented.content('Blue.')));
    expect((await model.chat(hello, options, never)).content).toBe('Blue.');
  });

  it('may hold several tool calls, in one chunk or in more', async () => {
    const model = await serve(
      says(
        documented.calls(['get_weather', { city: 'Tokyo' }], ['get_weather', { city: 'Oslo' }]),
        documented.calls(['finish', {}]),
      ),
    );
    expect((await model.chat(hello, options, never)).calls).toEqual([
      { name: 'get_weather', arguments: { city: 'Tokyo' } },
      { name: 'get_weather', arguments: { city: 'Oslo' } },
      { name: 'finish', arguments: {} },
    ]);
  });

  it('says when it ended for want of room', async () => {
    const model = await serve({ pieces: [documented.content('half'), documented.done('length')] });
    expect(await model.chat(hello, options, never)).toMatchObject({ content: 'half', cutOff: true });
  });
});

describe('a failed answer', () => {
  it.each([
    [404, documented.notFound, 'missing', "404: model 'llama3.2' not found"],
    [503, documented.busy, 'busy', 'server busy'],
    [400, documented.noTools, 'refused', 'does not support tools'],
    [500, '{"error":"llama runner process has terminated"}', 'broken', 'has terminated'],
    [502, '<html>Bad Gateway</html>', 'busy', 'Bad Gateway'],
  ])('is told by its status: %i', async (status, body, code, message) => {
    const model = await serve({ status, body, type: body.startsWith('<') ? 'text/html' : 'application/json' });
    await expect(model.chat(hello, options, never)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    [
      'an error in mid-stream',
      { pieces: [documented.content('The'), documented.midStreamError] },
      'an error was encountered',
    ],
    ['a stream without its end', { pieces: [documented.content('The')] }, 'Did not receive done'],
    ['a connection that breaks', { pieces: [documented.content('The')], end: 'cut' }, 'aborted'],
    ['a stream that stops', { pieces: [documented.content('The')], end: 'hang' }, 'silent for 500 ms'],
    ['a stream that never starts', { pieces: [], end: 'hang' }, 'silent for 1000 ms'],
    ['what is not JSON', { pieces: ['<html>\n'] }, 'Did not receive done'],
    ['JSON that is not documented', { pieces: ['{"message":{"content":7},"done":false}\n'] }, 'expected string'],
  ] as [string, Scripted, string][])('is broken: %s', async (_, scripted, message) => {
    const model = await serve(scripted);
    await expect(model.chat(hello, options, never)).rejects.toMatchObject({
      code: 'broken',
      message: expect.stringContaining(message),
    });
  });

  it('is unreachable when nobody listens', async () => {
    const model = await serve();
    server.close();
    await expect(model.chat(hello, options, never)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(model.version(never)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('ends at once when the work is stopped', async () => {
    const model = await serve({ pieces: [documented.content('The')], end: 'hang' });
    const stop = new AbortController();
    const answer = model.chat(hello, options, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(answer).rejects.toThrow('enough');
  });
});

describe('patience', () => {
  it('asks again with the same messages after a broken stream, a few times', async () => {
    const broken: Scripted = { pieces: [documented.content('The'), documented.midStreamError] };
    const model = await serve(
      broken,
      { pieces: [documented.content('The')], end: 'cut' },
      says(documented.content('Blue.')),
    );
    expect((await chatPersistently(model, hello, options, shortWaits, never)).content).toBe('Blue.');
    expect(server.seen.map(({ messages }) => messages)).toEqual([hello, hello, hello]);
    server.close();
    const other = await serve(broken, broken, broken, says(documented.content('too late')));
    await expect(chatPersistently(other, hello, options, shortWaits, never)).rejects.toMatchObject({
      code: 'model_failed',
      message: expect.stringContaining('an error was encountered'),
    });
    expect(server.left).toBe(1);
  });

  it('waits for a busy server, up to a limit', async () => {
    const busy: Scripted = { status: 503, body: documented.busy };
    const model = await serve(...Array.from({ length: 8 }, () => busy), says(documented.content('Blue.')));
    expect((await chatPersistently(model, hello, options, shortWaits, never)).content).toBe('Blue.');
    server.close();
    const other = await serve(...Array.from({ length: 20 }, () => busy));
    await expect(chatPersistently(other, hello, options, { ...shortWaits, busyMs: 60 }, never)).rejects.toMatchObject({
      code: 'model_failed',
      message: expect.stringContaining('stayed busy'),
    });
  });

  it('does not ask again for what will not change', async () => {
    const model = await serve({ status: 404, body: documented.notFound });
    await expect(chatPersistently(model, hello, options, shortWaits, never)).rejects.toMatchObject({
      code: 'model_missing',
    });
    expect(server.seen).toHaveLength(1);
  });
});

describe('what is known of a model', () => {
  it('is its context and whether it can call tools', async () => {
    const model = await serve();
    expect(await model.version(never)).toBe('0.5.1');
    expect(await model.describe(never)).toEqual({ contextTokens: 8192, tools: true });
    server.show = { status: 200, body: documented.show(['completion'], 131_072) };
    expect(await model.describe(never)).toEqual({ contextTokens: 131_072, tools: false });
    server.show = { status: 200, body: '{}' };
    expect(await model.describe(never)).toEqual({ contextTokens: undefined, tools: false });
    server.show = { status: 404, body: documented.notFound };
    await expect(model.describe(never)).rejects.toMatchObject({ code: 'missing' });
  });
});
