import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { makeGate, makeOpenTask, makeOutgoing, makeRequest } from '../testing/gates.ts';
import { bot, operator, otherRoom, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { messageKey } from './key.ts';
import { emptyState, type Issued } from './listener-state.ts';
import { StateFile } from './state-file.ts';

const issued = (command: string): Issued => ({
  command,
  answerTo: '$e',
  at: '2026-11-20T10:00:00.000Z',
  stands: 'waiting',
  owesSign: false,
});

test('a first start has nothing behind it', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  expect(state.now).toEqual(emptyState(room, bot));
});

test('what an update kept is there after a restart', async () => {
  const folder = scratchFolder();
  const state = await StateFile.open(folder, room, bot);
  await state.update((next) => {
    next.since = 's1';
    next.gates.push(makeGate());
    next.outgoing.push(makeOutgoing('a', makeRequest()));
    next.issued.push(issued('c'));
    next.journals = { 'telemetry.jsonl': 5 };
  });
  const again = await StateFile.open(folder, room, bot);
  expect(again.now).toEqual(state.now);
  expect(again.now.since).toBe('s1');
  expect(readdirSync(folder)).toEqual(['state.json']);
});

test('what an earlier version kept of its requests is read as what they were: for approvals, in the room itself', async () => {
  const folder = scratchFolder();
  const { asks: _asks, thread: _thread, ...gate } = makeGate();
  const old = { ...emptyState(room, bot), gates: [gate] };
  writeFileSync(join(folder, 'state.json'), JSON.stringify(old));
  const state = await StateFile.open(folder, room, bot);
  expect(state.now.gates).toEqual([makeGate()]);
});

test('updates are made one after the other, each on what the one before left', async () => {
  const folder = scratchFolder();
  const state = await StateFile.open(folder, room, bot);
  const counts = Array.from({ length: 20 }, (_, index) =>
    state.update((next) => {
      expect(next.shown).toBe(index);
      next.shown += 1;
    }),
  );
  await Promise.all(counts);
  expect((await StateFile.open(folder, room, bot)).now.shown).toBe(20);
});

test('what cannot be written has not happened, and does not keep the next from happening', async () => {
  const folder = scratchFolder();
  let isFull = false;
  const write: typeof writeFileAtomic = (...args) =>
    isFull ? Promise.reject(new Error('ENOSPC: no space left on device')) : writeFileAtomic(...args);
  const state = await StateFile.open(folder, room, bot, write);
  await state.update((next) => void Object.assign(next, { since: 'before' }));
  isFull = true;
  await expect(state.update((next) => void Object.assign(next, { since: 'lost', shown: 1 }))).rejects.toThrow('ENOSPC');
  expect(state.now).toMatchObject({ since: 'before', shown: 0 });
  isFull = false;
  await state.update((next) => void next.handled.push('$e'));
  expect((await StateFile.open(folder, room, bot)).now).toMatchObject({ since: 'before', shown: 0, handled: ['$e'] });
});

test('a change that fails has not happened', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  const broken = state.update((next) => {
    next.shown = 5;
    throw new Error('our bug');
  });
  await expect(broken).rejects.toThrow('our bug');
  expect(state.now.shown).toBe(0);
});

test('whoever waits for a change is told after it', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  const seen: number[] = [];
  state.changed.addEventListener('abort', () => seen.push(state.now.shown));
  await state.update((next) => void Object.assign(next, { shown: 1 }));
  state.changed.addEventListener('abort', () => seen.push(state.now.shown));
  await state.update((next) => void Object.assign(next, { shown: 2 }));
  expect(seen).toEqual([1, 2]);
});

test.each([
  ['room', otherRoom, bot],
  ['bot', room, operator],
] as const)('A18 what was kept for another %s does not count, and is put aside', async (_, otherRoomId, otherBot) => {
  const folder = scratchFolder();
  const state = await StateFile.open(folder, room, bot);
  await state.update((next) => void Object.assign(next, { since: 's1', handled: ['$e'], journals: {} }));
  const before = readFileSync(join(folder, 'state.json'), 'utf8');

  const other = await StateFile.open(folder, otherRoomId, otherBot);
  expect(other.now).toEqual(emptyState(otherRoomId, otherBot));
  const aside = readdirSync(folder);
  expect(aside).toEqual([expect.stringMatching(/^state-\d+\.json$/)]);
  expect(readFileSync(join(folder, aside[0] ?? ''), 'utf8')).toBe(before);

  await other.update((next) => void Object.assign(next, { since: 's2' }));
  expect((await StateFile.open(folder, otherRoomId, otherBot)).now.since).toBe('s2');
});

test.each([
  ['nothing', ''],
  ['half of it', '{"version":1,"room":'],
  ['null', 'null'],
  ['another version', JSON.stringify({ ...emptyState(room, bot), version: 2 })],
  ['a field that is not known', JSON.stringify({ ...emptyState(room, bot), approved: [] })],
  ['a gate without a digest', JSON.stringify({ ...emptyState(room, bot), gates: [{ ...makeGate(), digest: 'x' }] })],
  ['an alias for a room', JSON.stringify({ ...emptyState(room, bot), room: '#room:home.test' })],
])('a file that holds %s is refused, not begun anew: old approvals would count again', async (_, text) => {
  const folder = scratchFolder();
  writeFileSync(join(folder, 'state.json'), text);
  await expect(StateFile.open(folder, room, bot)).rejects.toThrow('state.json of the listener is damaged');
  expect(readFileSync(join(folder, 'state.json'), 'utf8')).toBe(text);
});

test('a folder that cannot be read is not taken for a first start', async () => {
  const folder = scratchFolder();
  await expect(StateFile.open(join(folder, 'x\0'), room, bot)).rejects.toThrow();
});

test('what grows is kept within its limits, the oldest forgotten first', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  const { handled, closedGates, commands } = listenerLimits;
  await state.update((next) => {
    for (let index = 0; index < handled + 3; index += 1) next.handled.push(`$${index}`);
    for (let index = 0; index < commands + 3; index += 1) next.issued.push(issued(`c${index}`));
    for (let index = 0; index < closedGates + 3; index += 1)
      next.gates.push(makeGate({ event: `$${index}`, closed: true }));
    for (const gate of [0, 1, 300]) Object.assign(next.gates[gate] ?? {}, { closed: false });
  });
  const { now } = state;
  expect([now.handled.length, now.handled[0], now.handled.at(-1)]).toEqual([handled, '$3', `$${handled + 2}`]);
  expect([now.issued.length, now.issued[0]?.command]).toEqual([commands, 'c3']);
  expect(now.gates.filter(({ closed }) => closed)).toHaveLength(closedGates);
  expect(now.gates.filter(({ closed }) => !closed).map(({ event }) => event)).toEqual(['$0', '$1', '$300']);
});

test('what was asked about a task that has not ended is not forgotten for others that have', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  const { closedGates } = listenerLimits;
  await state.update((next) => {
    next.tasks.push(makeOpenTask({ task: 'open' }));
    next.gates.push(makeGate({ task: 'open', event: '$open', closed: true }));
    for (let index = 0; index < closedGates + 3; index += 1)
      next.gates.push(makeGate({ task: `over${index}`, event: `$${index}`, closed: true }));
  });
  expect(state.now.gates).toHaveLength(closedGates + 1);
  expect(state.now.gates.slice(0, 2).map(({ event }) => event)).toEqual(['$open', '$3']);
  await state.update((next) => void next.tasks.splice(0));
  expect(state.now.gates[0]?.event).toBe('$3');
});

test('what is sent and taken back is kept for a while', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  await state.update((next) => {
    for (let index = 0; index < listenerLimits.withdrawn + 2; index += 1)
      next.withdrawn.push({ key: messageKey(`${index}`), request: makeRequest() });
  });
  expect(state.now.withdrawn).toHaveLength(listenerLimits.withdrawn);
  expect(state.now.withdrawn[0]?.key).toBe(messageKey('2'));
});

test('what is within the limits is not touched', async () => {
  const state = await StateFile.open(scratchFolder(), room, bot);
  await state.update((next) => {
    next.handled.push('$a');
    next.gates.push(makeGate({ closed: true }));
    next.issued.push(issued('c'));
  });
  expect([state.now.handled.length, state.now.gates.length, state.now.issued.length]).toEqual([1, 1, 1]);
});

test('a key is the same for the same thing and another one for anything else', () => {
  const keys = [
    messageKey('a', 'b'),
    messageKey('ab'),
    messageKey('a', 'b', ''),
    messageKey('b', 'a'),
    messageKey('a","b'),
    messageKey('["a","b"]'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(messageKey('a', 'b')).toBe(keys[0]);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
});
