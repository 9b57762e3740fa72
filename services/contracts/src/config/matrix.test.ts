import { expect, test } from 'vitest';
import { MatrixBotEnv, MatrixOperatorEnv } from './matrix.ts';

const bot = {
  MATRIX_BOT_USER: '@agentbot:example.org',
  MATRIX_BOT_TOKEN: 'syt_YWdlbnRib3Q_abc',
  MATRIX_ROOM_ID: '!room:example.org',
};
const operator = {
  MATRIX_HOMESERVER: 'http://127.0.0.1:8008',
  MATRIX_USER: '@operator:example.org',
  MATRIX_PASSWORD: 'a b"c',
  MATRIX_ROOM_ID: '!room:example.org',
};

test('what enrol writes is read', () => {
  expect(MatrixBotEnv.parse(bot)).toEqual(bot);
  expect(MatrixOperatorEnv.parse(operator)).toEqual(operator);
});

test.each(Object.keys(bot))('without %s there is no bot', (key) => {
  const parsed = MatrixBotEnv.safeParse({ ...bot, [key]: undefined });
  expect(parsed.error?.issues.map(({ path }) => path)).toEqual([[key]]);
});

test.each([
  ['MATRIX_BOT_USER', 'agentbot'],
  ['MATRIX_BOT_USER', '@agentbot'],
  ['MATRIX_BOT_TOKEN', ''],
  ['MATRIX_BOT_TOKEN', 'two words'],
  ['MATRIX_BOT_TOKEN', 'x\r\nX-Other: header'],
  ['MATRIX_BOT_TOKEN', 'tokén'],
  ['MATRIX_BOT_TOKEN', 'x'.repeat(4_097)],
  ['MATRIX_ROOM_ID', '#alias:example.org'],
  ['MATRIX_ROOM_ID', 'room:example.org'],
  ['MATRIX_ROOM', '!room:example.org'],
])('%s=%j is refused, and the token is in no message', (key, value) => {
  const parsed = MatrixBotEnv.safeParse({ ...bot, [key]: value });
  expect(parsed.success).toBe(false);
  if (key === 'MATRIX_BOT_TOKEN' && value !== '') expect(JSON.stringify(parsed.error?.issues)).not.toContain(value);
});

test('a password is any text but none', () => {
  expect(MatrixOperatorEnv.safeParse({ ...operator, MATRIX_PASSWORD: '' }).success).toBe(false);
  expect(MatrixOperatorEnv.safeParse({ ...operator, MATRIX_HOMESERVER: 'matrix.example.org' }).success).toBe(false);
});
