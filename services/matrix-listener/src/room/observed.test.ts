import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { eventId, redaction, room, said, saidAt } from '../testing/room-events.ts';
import { MessagesPage, ObservedEvent, SyncAnswer } from './observed.ts';

const event = said('e', 'hello');

test('of an event only what is needed is taken', () => {
  expect(
    ObservedEvent.parse({ ...event, more: 1, unsigned: { age: 5, redacted_because: redaction('r', 'e') } }),
  ).toEqual({
    ...event,
    unsigned: { redacted_because: redaction('r', 'e') },
  });
});

test.each([
  ['null', null],
  ['a text', 'event'],
  ['a list', [event]],
  ['without an id', { ...event, event_id: undefined }],
  ['with an id that is none', { ...event, event_id: 'e' }],
  ['with an id of two lines', { ...event, event_id: '$e\n$f' }],
  ['with an id without an end', { ...event, event_id: `$${'e'.repeat(255)}` }],
  ['with an id that is a list', { ...event, event_id: ['$e'] }],
  ['without a sender', { ...event, sender: undefined }],
  ['with a sender without an end', { ...event, sender: `@${'a'.repeat(255)}` }],
  ['without a type', { ...event, type: undefined }],
  ['without content', { ...event, content: undefined }],
  ['with content that is a text', { ...event, content: 'approve gated' }],
  ['with content that is a list', { ...event, content: ['approve gated'] }],
  ['with a time that is a text', { ...event, origin_server_ts: String(saidAt) }],
  ['with a time without an end', { ...event, origin_server_ts: Number.POSITIVE_INFINITY }],
  ['with a room that is a number', { ...event, room_id: 5 }],
  ['with a state key that is a number', { ...event, state_key: 0 }],
  ['with facts that are a list', { ...event, unsigned: [] }],
  ['with relations that are a text', { ...event, unsigned: { 'm.relations': 'none' } }],
])('A21 an event %s is none', (_, value) => {
  expect(ObservedEvent.safeParse(value).success).toBe(false);
});

test('a sync without anything new is one', () => {
  expect(SyncAnswer.parse({ next_batch: 's1' })).toEqual({ next_batch: 's1', rooms: { join: {}, leave: {} } });
  expect(SyncAnswer.parse({ next_batch: 's1', rooms: { join: { [room]: {} } } }).rooms.join).toEqual({
    [room]: { timeline: { events: [], limited: false } },
  });
});

test('A21 events are taken apart one by one: garbage among them is not the whole answer’s', () => {
  const timeline = { events: [null, 5, event], limited: true, prev_batch: 'p' };
  expect(SyncAnswer.parse({ next_batch: 's', rooms: { join: { [room]: { timeline } } } }).rooms.join[room]).toEqual({
    timeline,
  });
});

test.each([
  ['nothing', null],
  ['a text', 'next_batch'],
  ['a list', []],
  ['no position', {}],
  ['an empty position', { next_batch: '' }],
  ['a position that is a number', { next_batch: 5 }],
  ['a position without an end', { next_batch: 's'.repeat(2_049) }],
  ['rooms that are a list', { next_batch: 's', rooms: [] }],
  ['rooms that are a text', { next_batch: 's', rooms: { join: 'all' } }],
  ['events that are an object', { next_batch: 's', rooms: { join: { [room]: { timeline: { events: {} } } } } }],
  ['a limit that is a text', { next_batch: 's', rooms: { join: { [room]: { timeline: { limited: 'no' } } } } }],
  ['an empty gap', { next_batch: 's', rooms: { join: { [room]: { timeline: { prev_batch: '' } } } } }],
  [
    'more events than were asked for',
    {
      next_batch: 's',
      rooms: { join: { [room]: { timeline: { events: Array(listenerLimits.answerEvents + 1).fill(event) } } } },
    },
  ],
])('A21 a sync with %s is none', (_, value) => {
  expect(SyncAnswer.safeParse(value).success).toBe(false);
});

test.each([
  ['no events', {}],
  ['events that are a text', { chunk: 'event' }],
  ['an end that is a number', { chunk: [], end: 5 }],
  ['more events than were asked for', { chunk: Array(listenerLimits.answerEvents + 1).fill(event) }],
])('A21 a page with %s is none', (_, value) => {
  expect(MessagesPage.safeParse(value).success).toBe(false);
});

test('what lies in every object is nobody’s room', () => {
  const parsed = SyncAnswer.parse(JSON.parse(`{"next_batch":"s","rooms":{"join":{"__proto__":{"${room}":{}}}}}`));
  expect(parsed.rooms.join[room]).toBeUndefined();
  expect(eventId('e')).toBe(event.event_id);
});
