import { describe, expect, test } from 'vitest';
import { routes } from './allow-list.ts';
import { checkBody, namesModel } from './body-policy.ts';
import { bodyLimits } from './limits.ts';

const model = 'coder:7b';

function check(path: string, body: unknown) {
  const route = routes.find((candidate) => candidate.path === path);
  if (route === undefined) throw new Error(`no route ${path}`);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return checkBody(route, Buffer.from(text), model);
}

function sentOn(path: string, body: unknown): unknown {
  const checked = check(path, body);
  return checked.status === 'allowed'
    ? JSON.parse(checked.write(bodyLimits.predictTokens).toString())
    : checked.refusal;
}

const end = { num_predict: bodyLimits.predictTokens };
const messages = [{ role: 'user', content: 'hello' }];

describe('what clients send goes on, with the end of an answer set', () => {
  test.each<[string, string, object, object]>([
    ['a chat', '/api/chat', { model, messages }, { model, messages, options: end }],
    [
      'a chat with everything',
      '/api/chat',
      {
        model,
        messages: [
          {
            role: 'assistant',
            content: '',
            thinking: 'hm',
            tool_calls: [{ function: { name: 'read', arguments: { path: 'a' } } }],
          },
          { role: 'tool', content: 'text', tool_name: 'read' },
        ],
        stream: true,
        format: { type: 'object' },
        think: 'high',
        keep_alive: 300,
        tools: [{ type: 'function', function: { name: 'read', parameters: { type: 'object' } } }],
        options: { num_ctx: 8192, num_predict: 512, temperature: 0.2, seed: 7, stop: ['END'], top_p: null },
      },
      {
        keep_alive: 300,
        options: { num_ctx: 8192, num_predict: 512, temperature: 0.2, seed: 7, stop: ['END'], top_p: null },
      },
    ],
    [
      'a generation',
      '/api/generate',
      { model, prompt: 'a', suffix: 'b', raw: true, context: [1, 2] },
      { options: end },
    ],
    ['an embedding', '/api/embed', { model, input: ['a', 'b'], truncate: true }, { input: ['a', 'b'] }],
    ['a description by its old name', '/api/show', { name: model }, { model }],
    [
      'a completion of a chat',
      '/v1/chat/completions',
      {
        model,
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'hello' }] },
          { role: 'assistant', content: null, tool_calls: [{}] },
        ],
        stream: true,
        stream_options: { include_usage: true },
        tools: [{ type: 'function' }],
        tool_choice: 'auto',
        response_format: { type: 'json_schema', json_schema: { schema: {} } },
      },
      { max_tokens: bodyLimits.predictTokens, tool_choice: 'auto' },
    ],
    [
      'a completion with the newer limit',
      '/v1/chat/completions',
      { model, messages, max_completion_tokens: 99 },
      { max_tokens: 99 },
    ],
    ['a text completion', '/v1/completions', { model, prompt: 'a', max_tokens: 5 }, { max_tokens: 5 }],
    ['embeddings', '/v1/embeddings', { model, input: 'a', encoding_format: 'float' }, { input: 'a' }],
  ])('%s', (_what, path, body, expected) => {
    expect(sentOn(path, body)).toMatchObject(expected);
  });

  test('nothing is added that a listing of a model did not have', () => {
    expect(sentOn('/api/show', { model })).toEqual({ model });
  });

  test.each([
    ['5m', 300],
    ['1h', 3600],
    ['1m30s', 90],
    [90, 90],
  ])('keep_alive %j goes on as %d seconds', (keepAlive, seconds) => {
    expect(sentOn('/api/chat', { model, messages, keep_alive: keepAlive })).toMatchObject({ keep_alive: seconds });
  });

  test('there is one interpretation: what is sent on is written anew', () => {
    const checked = check('/api/show', ` {"model" :\n"\\u0063oder:7b"} `);
    const written = checked.status === 'allowed' ? checked.write(0).toString() : checked.refusal;
    expect(written).toBe('{"model":"coder:7b"}');
  });
});

describe('S036: the model', () => {
  test.each([
    'other',
    'other:7b',
    'coder',
    'coder:latest',
    'coder:7B',
    'Coder:7b',
    'coder:7b ',
    'coder:7b\u0000',
    'gpt-oss:120b-cloud',
    'coder:cloud',
    'coder:7b-cloud',
    'evil.example/library/coder:7b',
    'registry.example:5000/coder:7b',
    'library/coder:7b',
    '../coder:7b',
    '',
  ])('%j is refused', (name) => {
    for (const [path, body] of [
      ['/api/chat', { model: name, messages }],
      ['/api/show', { name }],
      ['/v1/embeddings', { model: name, input: 'a' }],
    ] as const) {
      expect(sentOn(path, body)).toEqual({ status: 403, reason: expect.stringContaining(`only the model ${model}`) });
    }
  });

  test('no tag and latest are the same', () => {
    expect(namesModel('coder', 'coder:latest')).toBe(true);
    expect(namesModel('coder:latest', 'coder')).toBe(true);
    expect(namesModel('host:5000/coder', 'host:5000/coder:latest')).toBe(true);
    expect(namesModel('coder:7b', 'coder')).toBe(false);
  });
});

describe('S036, S037: bodies that are refused', () => {
  test.each<[string, string, unknown]>([
    ['not JSON', '/api/chat', '{"model":'],
    ['empty', '/api/chat', ''],
    ['an array', '/api/chat', []],
    ['the model twice', '/api/chat', `{"model":"${model}","messages":[],"model":"other"}`],
    ['the model in another case too', '/api/chat', { model, Model: 'other', messages }],
    ['no model', '/api/chat', { messages }],
    ['two names for the model', '/api/show', { model, name: model }],
    ['__proto__', '/api/chat', `{"model":"${model}","__proto__":{"keep_alive":-1}}`],
    ['constructor', '/api/chat', { model, messages, constructor: { prototype: {} } }],
    ['an unknown key', '/api/chat', { model, messages, insecure: true }],
    [
      'an unknown key of a message',
      '/api/chat',
      { model, messages: [{ role: 'user', content: '', url: 'http://evil/' }] },
    ],
    ['an unknown role', '/api/chat', { model, messages: [{ role: 'root', content: '' }] }],
    ['images of a message', '/api/chat', { model, messages: [{ role: 'user', content: '', images: ['aGVsbG8='] }] }],
    ['images', '/api/generate', { model, prompt: '', images: ['aGVsbG8='] }],
    [
      'an address in place of a text',
      '/api/chat',
      { model, messages: [{ role: 'user', content: { url: 'http://evil/' } }] },
    ],
    [
      'an image of a tool',
      '/v1/chat/completions',
      {
        model,
        messages: [
          { role: 'tool', tool_call_id: '1', content: [{ type: 'image_url', image_url: 'http://169.254.169.254/' }] },
        ],
      },
    ],
    [
      'a file by its address',
      '/v1/chat/completions',
      { model, messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'http://evil/' } }] }] },
    ],
    ['a message of the gateway', '/api/chat', { model, messages: [{ role: 'gateway', content: '' }] }],
    ['a template', '/api/generate', { model, prompt: '', template: '{{ .Prompt }}' }],
    ['huge num_ctx', '/api/chat', { model, messages, options: { num_ctx: 2 ** 31 } }],
    ['endless num_predict', '/api/chat', { model, messages, options: { num_predict: -1 } }],
    ['num_predict to the context', '/api/generate', { model, prompt: '', options: { num_predict: -2 } }],
    ['huge num_predict', '/api/chat', { model, messages, options: { num_predict: 10 ** 9 } }],
    ['an option of loading', '/api/chat', { model, messages, options: { num_gpu: 0 } }],
    ['an option of an embedding', '/api/embed', { model, input: 'a', options: { use_mlock: true } }],
    ['keep_alive for ever', '/api/chat', { model, messages, keep_alive: -1 }],
    ['keep_alive for ever, as text', '/api/chat', { model, messages, keep_alive: '-1m' }],
    ['keep_alive of nothing: unloading', '/api/generate', { model, keep_alive: 0 }],
    ['keep_alive of a day', '/api/chat', { model, messages, keep_alive: '24h' }],
    ['keep_alive without a unit', '/api/chat', { model, messages, keep_alive: '300' }],
    ['keep_alive of no length', '/api/chat', { model, messages, keep_alive: '' }],
    ['infinite temperature', '/api/chat', `{"model":"${model}","messages":[],"options":{"temperature":1e999}}`],
    ['too many messages', '/api/chat', { model, messages: Array(bodyLimits.messages + 1).fill(messages[0]) }],
    ['a million messages', '/api/chat', `{"model":"${model}","messages":[${'{},'.repeat(999_999)}{}]}`],
    [
      'a remote image',
      '/v1/chat/completions',
      {
        model,
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://169.254.169.254/' } }] }],
      },
    ],
    [
      'an image in the request',
      '/v1/chat/completions',
      {
        model,
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
        ],
      },
    ],
    [
      'sound',
      '/v1/chat/completions',
      { model, messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    ['several answers', '/v1/chat/completions', { model, messages, n: 50 }],
    ['huge max_tokens', '/v1/chat/completions', { model, messages, max_tokens: 10 ** 9 }],
    ['endless max_tokens', '/v1/completions', { model, prompt: '', max_tokens: -1 }],
    ['a debugging switch', '/v1/chat/completions', { model, messages, _debug_render_only: true }],
    ['tokens instead of text', '/v1/embeddings', { model, input: [[1, 2]] }],
  ])('%s', (_what, path, body) => {
    expect(sentOn(path, body)).toMatchObject({ status: 400, reason: expect.any(String) });
  });

  test('bytes that are not UTF-8', () => {
    const route = routes.find(({ path }) => path === '/api/chat');
    if (route === undefined) throw new Error('no route');
    expect(checkBody(route, Buffer.from([0x7b, 0xff, 0x7d]), model)).toMatchObject({ status: 'refused' });
  });

  test('a reason names the place and the rule, never a value', () => {
    const refused = sentOn('/api/chat', { model, messages: [{ role: 'user', content: 'SECRET', images: ['SECRET'] }] });
    expect(refused).toEqual({ status: 400, reason: expect.stringMatching(/^messages\.0: .*images/) });
    expect(JSON.stringify(refused)).not.toContain('SECRET');
    expect(JSON.stringify(sentOn('/api/chat', { model, messages, think: ['SECRET'] }))).not.toContain('SECRET');
    expect(JSON.stringify(sentOn('/api/chat', { model: 'SECRET', messages }))).not.toContain('SECRET');
  });
});
