import { expect, test } from 'vitest';
import { TailMeter } from './tail-meter.ts';

function count(...chunks: string[]) {
  const meter = new TailMeter(256, 'ollama');
  for (const chunk of chunks) meter.push(Buffer.from(chunk));
  return meter.counts();
}

test.each([
  ['a streamed chat', ['{"done":false}\n{"done":true,"prompt_eval_count":26,"eval_count":259,"eval_duration":42}\n']],
  ['a count cut by a chunk', ['{"done":true,"prompt_eval_co', 'unt":26,"eval_count":2', '59}\n']],
  ['one byte at a time', [...'{"prompt_eval_count": 26, "eval_count": 259}']],
  [
    'a streamed completion',
    ['data: {"usage":{"prompt_tokens":26,"completion_tokens":259,"total_tokens":285}}\n\n', 'data: [DONE]\n\n'],
  ],
  [
    'a long answer',
    [`{"response":"${'x'.repeat(5_000)}","context":[${'1,'.repeat(5_000)}1],"prompt_eval_count":26,"eval_count":259}`],
  ],
  [
    'text that looks like counts',
    [`{"response":${JSON.stringify('"eval_count":1,"prompt_eval_count":2}')},"prompt_eval_count":26,"eval_count":259}`],
  ],
  [
    'a text of counts after the counts',
    [`{"prompt_eval_count":26,"eval_count":259,"x":${JSON.stringify('"eval_count":1,')}}`],
  ],
  ['arguments that look like counts', ['{"arguments":{"eval_count":1},"prompt_eval_count":26,"eval_count":259}']],
])('%s', (_what, chunks) => {
  expect(count(...chunks)).toEqual({ prompt: 26, completion: 259 });
});

test.each([
  ['nothing', []],
  ['no counts', ['{"error":"x"}']],
  ['counts that left the tail', ['"eval_count":5,', 'x'.repeat(300)]],
  ['an absurd count', ['{"eval_count":99999999999999999999}']],
])('zero for %s', (_what, chunks) => {
  expect(count(...chunks)).toEqual({ prompt: 0, completion: 0 });
});

test('an embedding has prompt tokens alone', () => {
  expect(count('{"embeddings":[[0.1]],"prompt_eval_count":8}')).toEqual({ prompt: 8, completion: 0 });
});
