import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { pause } from '../pause.ts';
import { makeGate } from '../testing/gates.ts';
import { bot, eventId, operator, otherRoom, reaction, redaction, room, said } from '../testing/room-events.ts';
import { beginSync as begin, gate } from '../testing/sync-ground.ts';
import type { TestRoom } from '../testing/test-room.ts';
import { SetupError } from './enter.ts';
import { SyncAnswer } from './observed.ts';

const { signal } = new AbortController();

test('A09 nothing counts from before the first start, at whatever later start it is told', async () => {
  const { server, turn, start, evidence, state } = await begin();
  server.say(said('old', 'approve gated'));
  await turn();
  expect(state.now.since).toBe('s1');
  server.say(said('new', 'reject gated'));
  await turn();
  await turn();
  const again = start();
  await again.turn(0, signal);
  server.manners.redeliver = 1;
  server.say(said('talk', 'hello'));
  await again.turn(0, signal);
  expect(evidence()).toEqual(['$new']);
});

test('A09 a gap is gone through from its oldest event on, page by page', async () => {
  const { server, turn, evidence, state } = await begin();
  await turn();
  server.manners.limit = 3;
  for (let index = 0; index < 20; index += 1) server.say(said(`e${index}`, index % 2 === 0 ? 'approve gated' : 'talk'));
  await turn();
  expect(evidence()).toEqual(Array.from({ length: 10 }, (_, index) => `$e${2 * index}`));
  expect(state.now.since).toBe('s20');
});

test('A09 what is said while a gap is gone through is heard after it, once', async () => {
  const { server, start, evidence, state } = await begin();
  server.manners.limit = 2;
  await start().turn(0, signal);
  for (let index = 0; index < 5; index += 1) server.say(said(`e${index}`, 'approve gated'));
  const meanwhile = start({
    messages: async (from, to) => {
      if (from === 's2') server.say(said('meanwhile', 'reject gated'));
      return await server.messages(from, to);
    },
  });
  await meanwhile.turn(0, signal);
  expect(state.now.since).toBe('s5');
  await meanwhile.turn(0, signal);
  expect(evidence()).toEqual(['$e0', '$e1', '$e2', '$e3', '$e4', '$meanwhile']);
});

test('A09 A11 a gap that is cut short is gone on with, without what was taken back since', async () => {
  const { server, start, evidence, state } = await begin();
  server.manners.limit = 2;
  await start().turn(0, signal);
  for (let index = 0; index < 8; index += 1) server.say(said(`e${index}`, 'approve gated'));
  let pages = 0;
  const broken = start({
    messages: async (from, to) => {
      pages += 1;
      if (pages === 2) throw new HomeserverError('unreachable', 'gone');
      return await server.messages(from, to);
    },
  });
  await expect(broken.turn(0, signal)).rejects.toThrow('gone');
  expect(evidence()).toEqual(['$e0', '$e1']);
  expect(state.now.since).toBe('s0');
  for (const name of ['e1', 'e2']) server.redact(eventId(name), redaction(`r-${name}`, name));
  await broken.turn(0, signal);
  // What was passed on before it was taken back is revoked.
  expect(evidence()).toEqual(['$e0', '$e1', '$e3', '$e4', '$e5', '$e6', '$e7', '$r-e1']);
});

const answers = {
  gap: { events: [], limited: true, prev_batch: 'p' },
  'a gap that does not say where it is': { events: [], limited: true },
};
const answering = (timeline: unknown, where = 'join', of: string = room): Partial<TestRoom> => ({
  sync: async (since) =>
    SyncAnswer.parse({ next_batch: 's1', ...(since === null ? {} : { rooms: { [where]: { [of]: { timeline } } } }) }),
});

test('A21 a gap that does not say where it is, is not taken for none', async () => {
  const { turn, state } = await begin([], answering(answers['a gap that does not say where it is']));
  await turn();
  await expect(turn()).rejects.toThrow('leaves something out');
  expect(state.now.since).toBe('s1');
});

test('A33 a gap that is too long for one sync is gone on with at the next one, also after a restart', async () => {
  const { server, turn, start, evidence, state } = await begin();
  await turn();
  server.manners.limit = 2;
  server.say(said('first', 'approve gated'));
  for (let index = 0; index < 7; index += 1) server.say(said(`e${index}`, 'talk'));
  let pages = 0;
  const cut = start({
    messages: async (from, to) => {
      pages += 1;
      if (pages === 3) throw new HomeserverError('unreachable', 'gone');
      return server.messages(from, to);
    },
  });
  await expect(cut.turn(0, signal)).rejects.toThrow('gone');
  const position = state.now.gap;
  expect(position).not.toBeNull();
  const asked: string[] = [];
  const next = start({
    messages: async (from, to) => {
      asked.push(from);
      return server.messages(from, to);
    },
  });
  await next.turn(0, signal);
  expect(asked[0]).toBe(position);
  expect(state.now.gap).toBeNull();
  expect(evidence()).toEqual(['$first']);
});

test('A21 a gap without an end is given up', async () => {
  let pages = 0;
  const endless = async () => ({ chunk: [], end: `p${++pages}` });
  const { turn } = await begin([], { ...answering(answers.gap), messages: endless });
  await turn();
  await expect(turn()).rejects.toMatchObject({ code: 'bad-answer' });
  expect(pages).toBe(listenerLimits.gapPages);
});

test('a page that ends where it began is the last one', async () => {
  const { turn } = await begin([], {
    ...answering(answers.gap),
    messages: async (from) => ({ chunk: [], end: from }),
  });
  await turn();
  await expect(turn()).resolves.toBeUndefined();
});

test('A18 what another room says is not heard', async () => {
  const { turn, evidence } = await begin(
    [gate],
    answering({ events: [said('e', 'approve gated')] }, 'join', otherRoom),
  );
  await turn();
  await turn();
  expect(evidence()).toEqual([]);
});

test('A32 a bot that was put out of the room says so, and reads nothing on', async () => {
  const { turn, state } = await begin([], answering({}, 'leave'));
  await turn();
  await expect(turn()).rejects.toThrow(SetupError);
  await expect(turn()).rejects.toThrow(`${bot} is no longer in the room ${room}: invite it again`);
  expect(state.now.since).toBe('s1');
});

test('of what was sent, what the room shows has its place when it shows it', async () => {
  const { server, turn, evidence, state, change } = await begin([]);
  await turn();
  await change((next) => void next.gates.push(makeGate({ event: '$gate', seen: null })));
  server.say(said('early', 'approve gated'));
  await turn();
  expect(evidence()).toEqual([]);
  server.say(said('gate', '', { sender: bot }));
  server.say(said('late', 'approve gated'));
  await turn();
  expect(evidence()).toEqual(['$late']);
  expect(state.now.gates[0]?.seen).toBe(1);
});

test('a homeserver that shows a message later than it took it does not make earlier words mean it', async () => {
  const { server, turn, evidence, change } = await begin([
    makeGate({ event: '$first', digest: 'a'.repeat(64), closed: true }),
  ]);
  await turn();
  await change((next) => void next.gates.push(makeGate({ event: '$second', digest: 'b'.repeat(64), seen: null })));
  server.say(said('early', 'approve gated'));
  await turn();
  server.say(said('second', '', { sender: bot }));
  await turn();
  expect(evidence()).toEqual(['$early']);
});

test('a message that lies before the first position can be answered at once, and named when no sync has brought it for long', async () => {
  const { server, turn, evidence, state, monotonic } = await begin([makeGate({ event: '$gate', seen: null })]);
  server.say(said('gate', '', { sender: bot }));
  await turn();
  server.say(reaction('a', '✅', 'gate'));
  await turn();
  expect(evidence()).toEqual(['$a']);
  for (monotonic.now = 0; monotonic.now < listenerLimits.absentMs; monotonic.now += 10_000) await turn();
  expect(state.now.gates[0]?.seen).toBeNull();
  server.say(said('b', 'approve gated'));
  await turn();
  expect(evidence()).toEqual(['$a', '$b']);
  expect(state.now.gates[0]?.seen).toBe(1);
});

test('A15 a message that the room shows late is not what was named before it', async () => {
  const file = { file: 'x.md', droppedAs: 'x.md' };
  const old = makeGate({ ...file, event: '$old', task: 'older', digest: 'a'.repeat(64), seen: 1 });
  const late = makeGate({ ...file, event: '$late', task: 'later', digest: 'b'.repeat(64), seen: null });
  const { server, turn, commands, change, state } = await begin([old, late]);
  await change((next) => void Object.assign(next, { shown: 1 }));
  for (let index = 0; index < 5; index += 1) await turn();
  server.say(said('named', 'approve x.md'));
  await turn();
  server.say(said('late', '', { sender: bot }));
  await turn();
  expect(commands().map(({ subject }) => subject)).toEqual([{ task: 'older', digest: old.digest }]);
  expect(state.now.gates.find(({ event }) => event === '$late')?.seen).toBe(2);
});

test('A20 when the room may have been encrypted, that is asked before the next sync', async () => {
  let isEncrypted = false;
  const { server, turn } = await begin([], { isEncrypted: async () => isEncrypted });
  await turn();
  server.say(said('e', '', { type: 'm.room.encryption', state_key: '', content: {} }));
  isEncrypted = true;
  await turn();
  await expect(turn()).rejects.toThrow(`the room ${room} is encrypted`);
  isEncrypted = false;
  await expect(turn()).resolves.toBeUndefined();
});

test('A20 an encryption that lies in a gap is found, too', async () => {
  const { server, turn } = await begin([], { isEncrypted: async () => server.timeline.length > 0 });
  await turn();
  server.manners.limit = 2;
  server.say(said('e', '', { type: 'm.room.encryption', state_key: '', content: {} }));
  for (let index = 0; index < 5; index += 1) server.say(said(`e${index}`, 'talk'));
  await turn();
  await expect(turn()).rejects.toThrow(`the room ${room} is encrypted`);
});

test('who the bot is and whether it can read is asked once, and again when the room may have been encrypted', async () => {
  const asked: string[] = [];
  const { server, turn } = await begin([], {
    isEncrypted: async () => {
      asked.push('isEncrypted');
      return false;
    },
  });
  await turn();
  server.say(said('a', 'hello'));
  await turn();
  await turn();
  expect(asked).toHaveLength(1);
  server.say(said('b', '', { type: 'm.room.encrypted', content: { algorithm: 'm.megolm.v1.aes-sha2' } }));
  await turn();
  await turn();
  await turn();
  expect(asked).toHaveLength(2);
});

test('A21 a token of somebody else reads nothing', async () => {
  const { turn, state } = await begin([], { whoAmI: async () => operator });
  await expect(turn()).rejects.toThrow(SetupError);
  expect(state.now.since).toBeNull();
});

test('while too much waits to be sent a gap is not gone through further', async () => {
  const { server, start, full, change, evidence } = await begin();
  let pages = 0;
  const sync = start({
    messages: async (from, to) => {
      pages += 1;
      if (pages === 1) await full();
      return await server.messages(from, to);
    },
  });
  await sync.turn(0, signal);
  server.manners.limit = 2;
  for (let index = 0; index < 6; index += 1) server.say(said(`e${index}`, 'approve gated'));
  const waiting = sync.turn(0, signal);
  await expect.poll(evidence).toEqual(['$e0', '$e1']);
  await change((next) => void Object.assign(next, { shown: 1 }));
  expect(pages).toBe(1);
  await change((next) => void Object.assign(next, { outgoing: [] }));
  await waiting;
  expect(evidence()).toHaveLength(6);
});

test('A21 a homeserver that holds no sync open is asked no more often than is good for either', async () => {
  let syncs = 0;
  const { start } = await begin([], { sync: async () => SyncAnswer.parse({ next_batch: `s${++syncs}` }) });
  const stop = new AbortController();
  const running = start().run(stop.signal);
  await pause(10 * listenerLimits.syncPauseMs, signal);
  stop.abort();
  await running;
  expect(syncs).toBeGreaterThan(1);
  expect(syncs).toBeLessThan(12);
});

test('a stop is no trouble of the room', async () => {
  const stop = new AbortController();
  const { start, troubles, logs } = await begin([], {
    sync: async () => {
      stop.abort(new Error('stopped by SIGTERM'));
      throw stop.signal.reason;
    },
  });
  await start().run(stop.signal);
  expect([troubles.report.status, logs]).toEqual(['ok', []]);
});

test('while too much waits to be sent the room is not read on, but for the first time', async () => {
  const { server, sync, turn, full, change, evidence } = await begin();
  await full();
  await turn();
  await expect(sync.caughtUp).resolves.toBeUndefined();
  server.say(said('e', 'approve gated'));
  const waiting = turn();
  await change((next) => void Object.assign(next, { shown: 1 }));
  expect(evidence()).toEqual([]);
  await change((next) => void next.outgoing.pop());
  await waiting;
  expect(evidence()).toEqual(['$e']);
});

test('a stop ends the wait for room', async () => {
  const { start, full } = await begin();
  const stop = new AbortController();
  const sync = start();
  await sync.turn(0, stop.signal);
  await full();
  const waiting = sync.turn(0, stop.signal);
  stop.abort();
  await expect(waiting).resolves.toBeUndefined();
});

test('the loop says what keeps it from the room, tries again and takes it back', async () => {
  let failure: Error | null = new HomeserverError('unreachable', 'nobody is there');
  const asked: string[] = [];
  const { server, start, troubles, evidence, logs } = await begin([gate]);
  const sync = start({
    whoAmI: async () => {
      asked.push('whoAmI');
      return bot;
    },
    sync: async (...query) => {
      asked.push('sync');
      if (failure !== null) throw failure;
      return await server.sync(...query);
    },
  });
  const stop = new AbortController();
  const running = sync.run(stop.signal);
  await expect.poll(() => troubles.report).toEqual({ status: 'waiting', reason: 'the homeserver: nobody is there' });
  failure = new HomeserverError('unauthorised', 'the homeserver answered 401');
  await expect.poll(() => troubles.report.status, { timeout: 5_000 }).toBe('failing');
  failure = new HomeserverError('limited', 'slow down', { retryAfterMs: 0 });
  await expect.poll(() => troubles.report.reason, { timeout: 9_000 }).toBe('the homeserver: slow down');
  const before = asked.length;
  failure = null;
  await expect.poll(() => troubles.report.status, { timeout: 9_000 }).toBe('ok');
  await sync.caughtUp;
  await expect.poll(() => asked.slice(before, before + 2)).toEqual(['sync', 'sync']);
  expect(asked.filter((name) => name === 'whoAmI').length).toBeGreaterThan(1);
  server.say(said('e', 'approve gated'));
  await expect.poll(evidence).toEqual(['$e']);
  expect(new Set(logs.map(({ level, text }) => `${level} ${text}`))).toEqual(
    new Set(['warn the room cannot be read; it is tried again']),
  );
  stop.abort();
  await running;
}, 30_000);
