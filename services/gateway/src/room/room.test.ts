import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Slot } from '@countersign/contracts/gateway-api.ts';
import { questionLimits } from '@countersign/contracts/limits.ts';
import type { RoomEvent } from '@countersign/contracts/task-room.ts';
import { expect, onTestFinished, test } from 'vitest';
import { type FixtureOptions, startGateway, until } from '../gateway-fixture.ts';

const at = '2026-11-20T10:00:00.000Z';
const target = (transaction: string) =>
  `/_matrix/client/v3/rooms/%21task%3Acountersign/send/m.room.message/${transaction}`;
const message = { msgtype: 'm.text', body: 'Which port?' };
const own = { 'org.countersign.question': { options: ['8080', '9090'], default: '9090', deadline_sec: 60 } };
const id = '00000000000000aa';
const question = (transaction = 't1'): RoomEvent => ({ kind: 'question', id, transaction, text: 'Which port?', at });
const answer: RoomEvent = { kind: 'answer', question: id, outcome: 'answered', text: '8080', at };

async function begin(limits: NonNullable<FixtureOptions['overrides']>['limits'] = {}) {
  const gateway = await startGateway({ overrides: { limits } });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const reading = async () => (await gateway.control('GET', `/slots/${gateway.slot}`)).body as Slot;
  const tell = (events: readonly RoomEvent[], refusals: readonly object[] = []) =>
    gateway.control('PUT', `/slots/${gateway.slot}/room`, { events, refusals });
  const put = async (transaction: string, body: unknown = message) => {
    const { status, text } = await gateway.room('PUT', target(transaction), { body });
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  };
  const sync = async (query = '') => {
    const { status, text } = await gateway.room('GET', `/_matrix/client/v3/sync${query}`);
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  };
  return { gateway, reading, tell, put, sync };
}

test('a question is put to the runner, and acknowledged when the runner says that it is written down', async () => {
  const { reading, tell, put } = await begin();
  let isAnswered = false;
  const asked = put('t1', { ...message, ...own }).finally(() => {
    isAnswered = true;
  });
  await until(async () => (await reading()).posts.length === 1);
  expect(await reading()).toMatchObject({
    events: null,
    posts: [
      {
        transaction: 't1',
        question: { text: 'Which port?', options: ['8080', '9090'], default: '9090', deadline_sec: 60 },
      },
    ],
  });
  expect((await tell([])).body).toMatchObject({ events: 0, posts: [{ transaction: 't1' }] });
  expect(isAnswered).toBe(false);
  expect((await tell([question()])).status).toBe(200);
  expect(await asked).toEqual({ status: 200, body: { event_id: `$${id}` } });
  expect(await reading()).toMatchObject({ events: 1, posts: [] });
});

test('the same transaction is the same question, and is not put again', async () => {
  const { reading, tell, put } = await begin();
  await tell([question()]);
  expect(await put('t1', { ...message, body: 'Another one?' })).toEqual({ status: 200, body: { event_id: `$${id}` } });
  expect((await reading()).posts).toEqual([]);
});

test("the runner's refusal reaches the tool; what nobody takes is said to be asked again", async () => {
  const { reading, tell, put } = await begin({ roomPostMs: 300 });
  const asked = put('t2');
  await until(async () => (await reading()).posts.length === 1);
  await tell([], [{ transaction: 't2', errcode: 'M_LIMIT_EXCEEDED', reason: 'one question at a time' }]);
  expect(await asked).toEqual({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'one question at a time' } });
  expect(await put('t3')).toMatchObject({ status: 504, body: { errcode: 'M_UNKNOWN' } });
  expect((await reading()).posts).toEqual([]);
});

test('a sync is answered as soon as there is something new, and else when its time is over', async () => {
  const { tell, sync } = await begin();
  expect((await sync('?timeout=30')).body).toEqual({ next_batch: 's0', rooms: { join: {} } });
  await tell([question()]);
  expect((await sync()).body).toMatchObject({
    next_batch: 's1',
    rooms: {
      join: {
        '!task:countersign': { timeline: { events: [{ event_id: `$${id}`, unsigned: { transaction_id: 't1' } }] } },
      },
    },
  });
  const waiting = sync('?since=s1&timeout=60000');
  await tell([question(), answer]);
  const { body } = await waiting;
  expect(body).toMatchObject({ next_batch: 's2' });
  expect(JSON.stringify(body)).not.toContain(`"event_id":"$${id}","room_id"`);
  expect(body).toMatchObject({
    rooms: {
      join: {
        '!task:countersign': {
          timeline: {
            events: [
              {
                type: 'm.room.message',
                sender: '@operator:countersign',
                content: {
                  body: '8080',
                  'm.relates_to': { 'm.in_reply_to': { event_id: `$${id}` } },
                  'org.countersign.answer': { question: `$${id}`, outcome: 'answered' },
                },
              },
            ],
          },
        },
      },
    },
  });
});

test('what the runner tells late takes nothing back, and an unknown position waits', async () => {
  const { tell, sync, reading } = await begin();
  await tell([question(), answer]);
  await tell([question()]);
  expect((await reading()).events).toBe(2);
  expect((await sync('?since=s9&timeout=10')).body).toEqual({ next_batch: 's9', rooms: { join: {} } });
});

test.each([
  ['no JSON', '{'],
  ['a key twice', '{"msgtype":"m.text","body":"a","body":"b"}'],
  ['another kind of message', { ...message, msgtype: 'm.image', url: 'mxc://x/y' }],
  ['HTML beside the text', { ...message, format: 'org.matrix.custom.html', formatted_body: '<b>' }],
  ['a mention', { ...message, 'm.mentions': { room: true } }],
  ['an edit', { ...message, 'm.relates_to': { rel_type: 'm.replace', event_id: `$${id}` } }],
  ['no text', { msgtype: 'm.text', body: '' }],
  ['a default that cannot be picked', { ...message, 'org.countersign.question': { options: ['a'], default: 'b' } }],
  ['an approval', { ...message, 'org.countersign.question': { options: ['a'], approve: true } }],
])('a message with %s is refused before anybody is asked', async (_what, body) => {
  const { put, reading } = await begin();
  expect(await put('t1', body)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  expect((await reading()).posts).toEqual([]);
});

test('so many bytes and requests, and no more; the way to the model stays open', async () => {
  const { put, sync, gateway } = await begin({ roomRequestsInAll: 5, roomSentBytes: 1_000, roomBodyBytes: 2_000 });
  expect(await put('t0', { ...message, body: 'x'.repeat(3_000) })).toMatchObject({ status: 413 });
  expect(await put('t0', { ...message, body: 'x'.repeat(1_500) })).toMatchObject({ status: 429 });
  expect(await put('t0')).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
  expect((await sync()).status).toBe(200);
  expect((await sync()).status).toBe(200);
  expect(await sync()).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
  expect((await gateway.ask('/api/version')).status).toBe(200);
});

test('more questions than there is room for are refused at once', async () => {
  const { put, reading } = await begin({ roomPostMs: 400 });
  const many = Array.from({ length: questionLimits.posts }, (_, index) => put(`t${index}`));
  await until(async () => (await reading()).posts.length === questionLimits.posts);
  expect(await put('t9')).toMatchObject({ status: 429 });
  expect(await put('t0')).toMatchObject({ status: 429 });
  for (const one of many) expect((await one).status).toBe(504);
});

test('the room is not the model, and nothing of a question is logged', async () => {
  const { gateway, put, reading, tell } = await begin();
  expect((await gateway.room('GET', '/api/tags')).status).toBe(404);
  expect((await gateway.ask('/_matrix/client/v3/sync')).status).not.toBe(200);
  const asked = put('t1', { ...message, body: 'the-secret-words' });
  await until(async () => (await reading()).posts.length === 1);
  await tell([question()]);
  await asked;
  expect(JSON.stringify(gateway.logged)).not.toContain('the-secret-words');
  expect(gateway.homeserver.seen).toEqual([]);
});

test('the socket comes back with the slot, and goes with it', async () => {
  const { gateway } = await begin();
  const path = join(gateway.slotsFolder, gateway.slot, 'synapse.sock');
  expect(existsSync(path)).toBe(true);
  await gateway.control('DELETE', `/slots/${gateway.slot}`);
  expect(existsSync(path)).toBe(false);
  expect((await gateway.control('PUT', `/slots/${gateway.slot}/room`, { events: [], refusals: [] })).status).toBe(404);
  await gateway.control('PUT', `/slots/${gateway.slot}`);
  expect(existsSync(path)).toBe(true);
});

test('what the runner tells is held to its shape', async () => {
  const { gateway } = await begin();
  const room = `/slots/${gateway.slot}/room`;
  expect((await gateway.control('PUT', room, { events: [{ kind: 'approval' }], refusals: [] })).status).toBe(400);
  expect((await gateway.control('PUT', room, '{')).status).toBe(400);
});
