import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { bot, operator, room } from '../testing/room-events.ts';
import { enterRoom, SetupError, troubleOf } from './enter.ts';

const signal = new AbortController().signal;

function server(change: Partial<Parameters<typeof enterRoom>[0]> = {}) {
  const calls: string[] = [];
  const record =
    <Answer>(name: string, answer: Answer) =>
    async () => {
      calls.push(name);
      return answer;
    };
  return {
    calls,
    homeserver: {
      whoAmI: record('whoAmI', bot as string),
      isJoined: record('isJoined', true),
      join: record('join', undefined),
      isEncrypted: record('isEncrypted', false),
      ...change,
    },
  };
}

function failing(code: HomeserverError['code']) {
  return () => Promise.reject(new HomeserverError(code, `it is ${code}`));
}

test('a bot that is in its room enters without joining', async () => {
  const { homeserver, calls } = server();
  await enterRoom(homeserver, bot, room, signal);
  expect(calls).toEqual(['whoAmI', 'isJoined', 'isEncrypted']);
});

test('a bot that is invited joins', async () => {
  const { homeserver, calls } = server({ isJoined: async () => false });
  await enterRoom(homeserver, bot, room, signal);
  expect(calls).toEqual(['whoAmI', 'join', 'isEncrypted']);
});

test('A21 a token of somebody else is not used, and nobody is joined for it', async () => {
  const { homeserver, calls } = server({ whoAmI: async () => operator, isJoined: async () => false });
  const entered = enterRoom(homeserver, bot, room, signal);
  await expect(entered).rejects.toThrow(SetupError);
  await expect(entered).rejects.toThrow(
    `the token in secrets/matrix-listener/matrix-bot.env belongs to another user than MATRIX_BOT_USER ${bot}`,
  );
  expect(calls).toEqual([]);
});

test('A20 an encrypted room is refused', async () => {
  const { homeserver } = server({ isEncrypted: async () => true });
  await expect(enterRoom(homeserver, bot, room, signal)).rejects.toThrow(`the room ${room} is encrypted`);
});

test.each([
  ['missing', `the homeserver knows no room ${room}: mend MATRIX_ROOM_ID`],
  ['refused', `the homeserver knows no room ${room}: mend MATRIX_ROOM_ID`],
  ['forbidden', `${bot} is not in the room ${room}, or there is no such room: invite it there`],
] as const)('a room that answers %s to a join is for a person to mend', async (code, message) => {
  const { homeserver } = server({ isJoined: async () => false, join: failing(code) });
  const entered = enterRoom(homeserver, bot, room, signal);
  await expect(entered).rejects.toThrow(SetupError);
  await expect(entered).rejects.toThrow(message);
});

test.each(['limited', 'unreachable', 'bad-answer', 'unauthorised', 'address'] as const)(
  'a homeserver that is %s at a join may be better later',
  async (code) => {
    const { homeserver } = server({ isJoined: async () => false, join: failing(code) });
    await expect(enterRoom(homeserver, bot, room, signal)).rejects.toMatchObject({ name: 'HomeserverError', code });
  },
);

test('what stopped a join that is not the homeserver’s stays what it is', async () => {
  const stopped = new Error('stopped by SIGTERM');
  const { homeserver } = server({ isJoined: async () => false, join: () => Promise.reject(stopped) });
  await expect(enterRoom(homeserver, bot, room, signal)).rejects.toBe(stopped);
});

test.each([
  [
    'unauthorised',
    'failing',
    /does not take the bot's token \(it is unauthorised\): scripts\/countersign rotate-bot-token puts/,
  ],
  ['address', 'failing', /^it is address$/],
  ['forbidden', 'waiting', /^the homeserver: it is forbidden$/],
  ['missing', 'waiting', /^the homeserver: it is missing$/],
  ['refused', 'waiting', /^the homeserver: it is refused$/],
  ['limited', 'waiting', /^the homeserver: it is limited$/],
  ['unreachable', 'waiting', /^the homeserver: it is unreachable$/],
  ['bad-answer', 'waiting', /^the homeserver: it is bad-answer$/],
] as const)('of a homeserver that is %s it is said that the listener is %s', (code, severity, reason) => {
  const trouble = troubleOf(new HomeserverError(code, `it is ${code}`));
  expect(trouble.severity).toBe(severity);
  expect(trouble.reason).toMatch(reason);
});

test('what a person has to mend is failing; anything else may pass', () => {
  expect(troubleOf(new SetupError('mend it'))).toEqual({ severity: 'failing', reason: 'mend it' });
  expect(troubleOf(new Error('the disk is full'))).toEqual({ severity: 'waiting', reason: 'the disk is full' });
  expect(troubleOf('odd')).toEqual({ severity: 'waiting', reason: 'odd' });
});
