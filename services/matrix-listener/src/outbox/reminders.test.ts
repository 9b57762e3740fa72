import { RoomSettings } from '@countersign/contracts/config/room.ts';
import { expect, test } from 'vitest';
import { emptyState, type Gate } from '../state/listener-state.ts';
import { StateFile } from '../state/state-file.ts';
import { makeCalling } from '../testing/announcing.ts';
import { makeGate } from '../testing/gates.ts';
import { bot, operator, room, saidAt } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { type Calling, remind } from './reminders.ts';

const minute = 60_000;
const hour = 60 * minute;
const askedAt = new Date(saidAt).toISOString();
const asked = (task: string, change: Partial<Gate> = {}) => makeGate({ task, event: `$${task}`, askedAt, ...change });

async function begin(gates: Gate[], calling: Calling = makeCalling()) {
  const folder = scratchFolder();
  const state = await StateFile.open(folder, room, bot);
  await state.update((next) => void Object.assign(next, { ...emptyState(room, bot), gates }));
  return {
    state,
    /** What is called at a time, in minutes after the asking; it is then out of the queue. */
    at: async (minutes: number) => {
      const before = state.now.outgoing.length;
      await remind(state, calling, saidAt + minutes * minute);
      return state.now.outgoing.slice(before).map(({ content }) => content);
    },
  };
}

const bodiesOf = (contents: readonly Record<string, unknown>[]) => contents.map(({ body }) => String(body));

test('a decision that waits rings again at each time that is set, once, in the thread of its task', async () => {
  const { at } = await begin([asked('gated')]);
  expect(await at(29)).toEqual([]);
  const [first, ...others] = await at(30);
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    msgtype: 'm.text',
    body: 'A decision still waits for you:\ngated: approval of staging, for 30 min; gated.md',
    'm.mentions': {},
    'm.relates_to': { rel_type: 'm.thread', event_id: '$gated' },
  });
  expect(await at(31)).toEqual([]);
  expect(await at(239)).toEqual([]);
  expect(bodiesOf(await at(240))).toEqual([expect.stringContaining('for 4 h')]);
  expect(await at(719)).toEqual([]);
});

test('at last it is said in the room with the names of those who may decide, which rings in a muted room as well', async () => {
  const { at } = await begin([asked('gated', { calls: 2 })]);
  const [said, ...others] = await at(720);
  expect(others).toEqual([]);
  expect(said).toMatchObject({
    msgtype: 'm.text',
    body: `${operator}: A decision still waits for you:\ngated: approval of staging, for 12 h 0 min; gated.md`,
    'm.mentions': { user_ids: [operator] },
  });
  expect(said).not.toHaveProperty('m.relates_to');
  expect(await at(10_000)).toEqual([]);
});

test('what is due together is one message in the room', async () => {
  const { at } = await begin([
    asked('one'),
    asked('two', { asks: 'review' }),
    asked('three', { askedAt: new Date(saidAt + 20 * minute).toISOString() }),
  ]);
  const said = await at(31);
  expect(bodiesOf(said)).toEqual([
    [
      '2 decisions wait for you:',
      'one: approval of staging, for 31 min; one.md',
      'two: merge of staging, for 31 min; two.md',
    ].join('\n'),
  ]);
  expect(said[0]).not.toHaveProperty('m.relates_to');
  expect(bodiesOf(await at(50))).toEqual([expect.stringContaining('three')]);
});

test('after a day without the listener a decision is called for once', async () => {
  const { at } = await begin([asked('gated')]);
  expect(await at(24 * 60)).toHaveLength(1);
  expect(await at(24 * 60 + 1)).toEqual([]);
});

test('that an approval expires soon is said, once, and not of what has expired', async () => {
  const expiresAt = new Date(saidAt + 200 * minute).toISOString();
  const { at } = await begin([asked('gated', { expiresAt, calls: 1 })]);
  expect(await at(139)).toEqual([]);
  expect(bodiesOf(await at(140))).toEqual([expect.stringContaining('for 2 h 20 min; expires in 1 h 0 min; gated.md')]);
  expect(await at(141)).toEqual([]);
  const late = await begin([asked('gated', { expiresAt, calls: 1 })]);
  expect(await late.at(200)).toEqual([]);
});

test('of what was asked for shortly before its end, the asking has said so', async () => {
  const expiresAt = new Date(saidAt + 20 * minute).toISOString();
  const { at } = await begin([asked('gated', { asks: 'answer', expiresAt })]);
  expect(await at(1)).toEqual([]);
  expect(await at(19)).toEqual([]);
});

test.each([
  ['was decided', { closed: true }],
  ['was asked by an earlier version', { askedAt: null }],
])('what %s is called for by nobody', async (_, change) => {
  const { at } = await begin([asked('gated', change)]);
  expect(await at(10_000)).toEqual([]);
});

test('of two messages that ask about a task the newer is called for', async () => {
  const { at } = await begin([
    asked('gated', { event: '$old' }),
    asked('gated', { event: '$new', thread: '$old', calls: 3 }),
  ]);
  expect(await at(10_000)).toEqual([]);
});

const night: Partial<Calling> = { mayRing: (stage, now) => stage === 'prod' || now >= saidAt + 8 * hour };

test('in quiet hours nothing rings but prod, and what still waits at their end is one message', async () => {
  const { at } = await begin(
    [
      asked('one', { isSilent: true }),
      asked('live', { stage: 'prod' }),
      asked('two', { isSilent: true }),
      asked('done', { isSilent: true, closed: true }),
    ],
    makeCalling(night),
  );
  expect(bodiesOf(await at(30))).toEqual([expect.stringContaining('live: approval of prod')]);
  expect(bodiesOf(await at(300))).toEqual([expect.stringContaining('live')]);
  const [morning, ...others] = bodiesOf(await at(8 * 60));
  expect(others).toEqual([]);
  expect(morning).toContain('2 decisions wait for you');
  for (const task of ['one', 'two']) expect(morning).toContain(`${task}: `);
  expect(await at(8 * 60 + 1)).toEqual([]);
});

test('what was asked silently rings at the end of quiet hours however short it has waited', async () => {
  const short = makeCalling({ mayRing: (_stage, now) => now >= saidAt + minute });
  const { at } = await begin([asked('gated', { isSilent: true })], short);
  expect(await at(0.5)).toEqual([]);
  expect(await at(1)).toHaveLength(1);
  expect(await at(2)).toEqual([]);
});

test('nobody is called where nothing is set', async () => {
  const settings = RoomSettings.parse({
    version: 1,
    reminder_minutes: [],
    escalation_minutes: null,
    expiry_warning_minutes: null,
  });
  const expiresAt = new Date(saidAt + minute).toISOString();
  const { at } = await begin([asked('gated', { expiresAt })], makeCalling({ settings }));
  expect(await at(10_000)).toEqual([]);
});

test('an escalation between two reminders is one of the times', async () => {
  const settings = RoomSettings.parse({ version: 1, reminder_minutes: [10, 60], escalation_minutes: 20 });
  const { at } = await begin([asked('gated')], makeCalling({ settings }));
  const mentions = async (minutes: number) => (await at(minutes)).map((content) => content['m.mentions']);
  expect(await mentions(10)).toEqual([{}]);
  expect(await mentions(20)).toEqual([{ user_ids: [operator] }]);
  expect(await mentions(60)).toEqual([{}]);
});

test('A26 500 decisions that wait are called for by one message, which names 20 and counts the others', async () => {
  const gates = Array.from({ length: 500 }, (_, index) => asked(`t${index}`));
  const { at } = await begin(gates);
  const [said, ...others] = bodiesOf(await at(30));
  expect(others).toEqual([]);
  expect(said?.split('\n')).toHaveLength(22);
  expect(said).toContain('and 480 more: `pending` lists them');
});

test('A17 A35 a name of a file or stage in a reminder is inert and calls nobody', async () => {
  const evil = '<b>@room</b> \u202e x.md';
  const { at } = await begin([asked('gated', { droppedAs: evil, stage: evil }), asked('other')]);
  const [said] = await at(30);
  expect(said?.['m.mentions']).toEqual({});
  expect(String(said?.['formatted_body'])).not.toContain('<b>');
  for (const text of [said?.['body'], said?.['formatted_body']]) expect(String(text)).not.toContain('\u202e');
});

test('what was called for is not called for again by the next start', async () => {
  const { state, at } = await begin([asked('gated')]);
  expect(await at(30)).toHaveLength(1);
  const again = structuredClone(state.now);
  expect(again.gates).toMatchObject([{ calls: 1, isSilent: false, isNearEnd: false }]);
});
