import { expect, test } from 'vitest';
import { bodyLimits } from './limits.ts';
import { parseStrictJson } from './strict-json.ts';

test.each([
  '{}',
  '[]',
  'null',
  '"a"',
  '-1.5e3',
  '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
  '{"a":"a","b":"{\\"a\\":1,\\"a\\":2}"}',
  '{"quote\\"":1,"quote":2}',
  '{"back\\\\":1,"back":2}',
  '{"a":["x","x"],"b":"c"}',
  ' {\n"a" :\t1 , "b":[ ] } ',
])('reads what JSON.parse reads: %s', (text) => {
  expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
});

test.each([
  ['twice', '{"model":"a","model":"b"}'],
  ['escaped the second time', '{"model":"a","\\u006dodel":"b"}'],
  ['with another value between', '{"model":"a","x":{"model":[1,{"model":2}]},"model":"b"}'],
  ['deep inside', '{"a":[{"b":{"c":1,"d":2,"c":3}}]}'],
  ['with blanks around', '{ "a" : 1 ,\n "a" : 2 }'],
])('refuses a key %s', (_how, text) => {
  expect(parseStrictJson(text)).toEqual({ ok: false, reason: 'the body has a key twice in one object' });
});

test.each(['{"__proto__":{"model":"b"}}', '{"a":[{"\\u005f_proto__":1}]}'])('refuses %s', (text) => {
  expect(parseStrictJson(text)).toEqual({ ok: false, reason: 'the body has a key __proto__' });
});

test.each([
  '',
  '{',
  '{"a":1',
  '{"a',
  '"\\"',
  '{a:1}',
  "{'a':1}",
  '{"a":1,}',
  '[1 2]',
  '{"\\x":1}',
  '{"a":1}{"a":2}',
  ']',
  'NaN',
])('refuses what is not JSON: %s', (text) => {
  expect(parseStrictJson(text)).toEqual({ ok: false, reason: 'the body is not JSON' });
});

test('S059 refuses depth beyond the limit and takes the limit', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(parseStrictJson(nested(bodyLimits.depth)).ok).toBe(true);
  expect(parseStrictJson(nested(bodyLimits.depth + 1))).toMatchObject({ ok: false });
  expect(parseStrictJson('{"a":'.repeat(100_000))).toMatchObject({ ok: false });
});

test.each([
  ['numbers', `[${'1,'.repeat(bodyLimits.values)}1]`],
  ['empty arrays', `[${'[],'.repeat(bodyLimits.values / 2)}[]]`],
])('S059 refuses too many values: %s', (_what, text) => {
  expect(parseStrictJson(text)).toMatchObject({ ok: false, reason: expect.stringContaining('values') });
});
