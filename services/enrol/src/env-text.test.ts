import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EnrolError } from './enrol-error.ts';
import { envText } from './env-text.ts';

describe('what is written into an env file', () => {
  test.each([
    'abcd-efgh-2345',
    'http://127.0.0.1:8008',
    '!hBU6aPcwPt8CJPRPf0mbg97njeqLpDM4HB6DRytumcU',
    '@operator:countersign.local',
    'a # b',
    ' spaces around ',
    "it's",
    'say "hello"',
    `both " and '`,
    '$HOME $(id)',
    'a\\nb',
    'ß€😀',
    '=',
  ])('reads back as it was: %s', (value) => {
    expect(parseEnv(envText('A comment.', { FIRST: 'x', KEY: value, LAST: 'y' }))).toEqual({
      FIRST: 'x',
      KEY: value,
      LAST: 'y',
    });
  });

  test.each([`all of ' " and \``, 'two\nlines'])('or is refused, unshown: %j', (value) => {
    expect(() => envText('', { MATRIX_PASSWORD: value })).toThrow(EnrolError);
    expect(() => envText('', { MATRIX_PASSWORD: value })).not.toThrow(value);
  });

  test('what has no value has no line', () => {
    expect(envText('x', { A: 'a', B: undefined })).toBe('# x\nA=a\n');
  });
});
