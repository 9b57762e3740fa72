import { expect, test } from 'vitest';
import { botFile } from './bot-file.ts';
import { makeBotToken, writeBotFile } from './testing/bot-access.ts';
import { bot, operator, otherRoom, room } from './testing/room-events.ts';

const first = { token: 'syt_first', writtenAt: '2026-11-20T10:00:00.000Z' };
const later = '2026-11-20T11:00:00.500Z';

function begin() {
  let renewals = 0;
  const begun = makeBotToken(first, () => {
    renewals += 1;
  });
  return { ...begun, renewals: () => renewals };
}

test('A30 another token in the file is the bot’s from the next look on, and is told once', async () => {
  const { token, secrets, troubles, lines, renewals } = begin();
  const { renewed } = token;
  await writeBotFile(secrets, 'syt_second', undefined, later);
  await token.look();
  expect(token.now).toEqual({ token: 'syt_second', writtenAt: later });
  expect([renewed.aborted, token.renewed.aborted, renewals()]).toEqual([true, false, 1]);
  await Promise.all([token.look(), token.look()]);
  expect([token.renewed.aborted, renewals(), troubles.report.status]).toEqual([false, 1, 'ok']);
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('syt_');
});

test('the same token in a file that was written anew is no other one', async () => {
  const { token, secrets, renewals } = begin();
  await writeBotFile(secrets, first.token, undefined, later);
  await token.look();
  expect([token.now.writtenAt, token.renewed.aborted, renewals()]).toEqual([later, false, 0]);
});

test('a token counts as taken by the homeserver when a request that bore it was, and not by one that bore the one before', async () => {
  const { token, secrets } = begin();
  expect(token.accepted).toBeNull();
  const before = token.now;
  token.accept(before);
  expect(token.accepted).toBe(first.writtenAt);
  await writeBotFile(secrets, 'syt_second', undefined, later);
  await token.look();
  token.accept(before);
  expect(token.accepted).toBe(first.writtenAt);
  token.accept(token.now);
  expect(token.accepted).toBe(later);
});

test.each<[string, (text: string) => string, string]>([
  ['half of it', (text) => text.slice(0, 40), 'not a setting'],
  ['nothing', () => '', 'MATRIX_BOT_USER'],
  ['another room', (text) => text.replace(room, otherRoom), `it is for ${bot} in ${otherRoom}`],
  ['another bot', (text) => text.replace(bot, operator), `it is for ${operator} in ${room}`],
])('A32 a file that holds %s changes nothing, is said, and is taken when it is mended', async (_, change, words) => {
  const { token, secrets, troubles, renewals } = begin();
  await writeBotFile(secrets, 'syt_second', change);
  await token.look();
  expect([token.now, renewals()]).toEqual([first, 0]);
  expect(troubles.report).toEqual({ status: 'waiting', reason: expect.stringContaining(words) });
  expect(troubles.report.reason).toContain(botFile);
  expect(troubles.report.reason).not.toContain('syt_');
  await writeBotFile(secrets, 'syt_second');
  await token.look();
  expect([token.now.token, troubles.report.status, renewals()]).toEqual(['syt_second', 'ok', 1]);
});

test('A32 a file that is gone changes nothing and is said', async () => {
  const { token, troubles } = begin();
  await token.look();
  expect(token.now).toEqual(first);
  expect(troubles.report).toMatchObject({ status: 'waiting', reason: expect.stringContaining('ENOENT') });
});
