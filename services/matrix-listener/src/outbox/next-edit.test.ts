import { expect, test } from 'vitest';
import type { Gate, Standing } from '../state/listener-state.ts';
import { makeGate } from '../testing/gates.ts';
import { saidAt } from '../testing/room-events.ts';
import { nextEdit } from './next-edit.ts';

const standing: Standing = { title: '✅ Approved', words: 'by me', since: null };
const running: Standing = { title: '▶️ Running', words: '', since: new Date(saidAt).toISOString() };
const minute = 60_000;

function keyOf(gate: Gate, now = saidAt): string | null {
  const edit = nextEdit({ gates: [gate] }, now);
  return 'inMs' in edit ? null : edit.post.key;
}

test('nothing is edited that says how things stand', () => {
  const gates = [makeGate(), makeGate({ standing, edited: '✅ Approved\nby me', edits: 1 })];
  expect(nextEdit({ gates }, saidAt)).toEqual({ inMs: Number.POSITIVE_INFINITY });
});

test('the newest message that does not is edited first', () => {
  const gates = [makeGate({ event: '$1', standing }), makeGate({ event: '$2', standing }), makeGate({ event: '$3' })];
  expect(nextEdit({ gates }, saidAt)).toMatchObject({
    gate: { event: '$2' },
    text: '✅ Approved\nby me',
    post: { type: 'm.room.message', content: { 'm.relates_to': { rel_type: 'm.replace', event_id: '$2' } } },
  });
});

test('what takes long is told from time to time', () => {
  const gate = makeGate({ standing: running, edited: '▶️ Running\n', edits: 1 });
  expect(nextEdit({ gates: [gate] }, saidAt)).toEqual({ inMs: minute });
  expect(nextEdit({ gates: [gate] }, saidAt + minute - 1)).toEqual({ inMs: 1 });
  expect(nextEdit({ gates: [gate] }, saidAt + minute)).toMatchObject({ text: '▶️ Running\nfor 1 min' });
});

test('an edit that is tried again is the same one, and one that says again what was said before is another', () => {
  const gate = makeGate({ standing, edits: 1, edited: 'something else' });
  expect(keyOf(gate)).toBe(keyOf(gate));
  expect(keyOf({ ...gate, edits: 3 })).not.toBe(keyOf(gate));
  expect(keyOf({ ...gate, event: '$other' })).not.toBe(keyOf(gate));
  expect(keyOf({ ...gate, standing: running })).not.toBe(keyOf(gate));
});
