import { writeFileAtomic } from '@countersign/kit/files.ts';
import { expect, onTestFinished, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { withdrawn } from '../message/standing.ts';
import { messageKey } from '../state/key.ts';
import type { ListenerState, Outgoing, Standing } from '../state/listener-state.ts';
import { StateFile } from '../state/state-file.ts';
import { makeGate, makeOutgoing, makeRequest } from '../testing/gates.ts';
import { keptLog } from '../testing/kept-log.ts';
import { bot, eventId, room, saidAt } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Troubles } from '../troubles.ts';
import { enqueue } from './enqueue.ts';
import { FilePosts } from './post-file.ts';
import { recordSent, sendLoop } from './send-loop.ts';

type Send = Parameters<typeof sendLoop>[0]['homeserver']['send'];

/** A loop that runs until the test has finished; `send` is asked first and may fail. */
async function begin(send: Send = () => Promise.resolve('$unused'), write?: typeof writeFileAtomic) {
  const state = await StateFile.open(scratchFolder(), room, bot, write);
  const posted: string[] = [];
  const homeserver = {
    send: async (...[post, signal]: Parameters<Send>) => {
      await send(post, signal);
      posted.push(String((post.content as { body?: unknown }).body));
      return eventId(post.key);
    },
  };
  const files = new FilePosts({
    volumes: scratchFolder(),
    homeserver: { upload: () => Promise.reject(new Error('no file is sent here')), answers: 0 },
  });
  const troubles = new Troubles();
  const { logger, lines } = keptLog();
  const stop = new AbortController();
  const clock = { now: saidAt };
  const start = () => {
    const running = sendLoop({ state, homeserver, files, troubles, logger, now: () => clock.now }, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    return running;
  };
  const queue = (body: string, request: Outgoing['request'] = null) =>
    state.update((next) => enqueue(next, messageKey(body), { msgtype: 'm.text', body, 'm.mentions': {} }, request));
  const drained = () => expect.poll(() => state.now.outgoing, { timeout: 10_000 }).toEqual([]);
  return { state, posted, troubles, lines, stop, clock, start, queue, drained };
}

function failing(times: number, error: Error): Send {
  let left = times;
  return () => (left-- > 0 ? Promise.reject(error) : Promise.resolve('$unused'));
}

test('what waits is posted in order, under its key and with it as a mark; what comes later follows', async () => {
  const sent: [string, object][] = [];
  const { posted, queue, start, drained } = await begin(async ({ key, content }) => {
    sent.push([key, content]);
    return '$unused';
  });
  await queue('one');
  await queue('two');
  void start();
  await drained();
  await queue('three');
  await drained();
  expect(posted).toEqual(['one', 'two', 'three']);
  expect(sent[0]).toEqual([
    messageKey('one'),
    { msgtype: 'm.text', body: 'one', 'm.mentions': {}, 'org.countersign.key': messageKey('one') },
  ]);
});

test('a request that is posted is a gate that the room is still to show', async () => {
  const { state, queue, start, drained } = await begin();
  await queue('ask', makeRequest());
  void start();
  await drained();
  expect(state.now.gates).toEqual([makeGate({ event: eventId(messageKey('ask')), seen: null })]);
});

test.each([
  ['limited', new HomeserverError('limited', 'the homeserver answered 429', { retryAfterMs: 0 })],
  ['unreachable', new HomeserverError('unreachable', 'the homeserver does not answer')],
  ['forbidden', new HomeserverError('forbidden', 'the homeserver answered 403')],
  ['missing', new HomeserverError('missing', 'the homeserver answered 404')],
  ['unauthorised', new HomeserverError('unauthorised', 'the homeserver answered 401')],
  ['bad-answer', new HomeserverError('bad-answer', 'the homeserver’s answer is not that of a Matrix server')],
  ['odd', new Error('odd')],
])('a homeserver that is %s gets the message again, under the same key, before any other', async (_, error) => {
  const keys: string[] = [];
  const fail = failing(1, error);
  const { posted, troubles, queue, start, drained } = await begin((post, ...rest) => {
    keys.push(post.key);
    return fail(post, ...rest);
  });
  await queue('one', makeRequest());
  await queue('two');
  void start();
  await expect
    .poll(() => troubles.report)
    .toEqual({
      status: 'waiting',
      reason: `messages wait to be posted: ${error.message}`,
    });
  await drained();
  expect(keys).toEqual(['one', 'one', 'two'].map((body) => messageKey(body)));
  expect(posted).toEqual(['one', 'two']);
  expect(troubles.report.status).toBe('ok');
});

test('a message that is not taken holds up nothing: an answer is left out, a request is asked again', async () => {
  const refused = new HomeserverError('refused', 'the homeserver answered 400 M_BAD_JSON');
  let isMended = false;
  const { state, posted, troubles, lines, queue, start, drained } = await begin(({ key }) =>
    isMended || key === messageKey('good') ? Promise.resolve('$unused') : Promise.reject(refused),
  );
  await queue('answer');
  await queue('ask', makeRequest());
  await queue('good');
  void start();
  await expect.poll(() => posted, { timeout: 5_000 }).toEqual(['good']);
  await expect
    .poll(() => troubles.report, { timeout: 5_000 })
    .toEqual({
      status: 'failing',
      reason: 'the homeserver does not take a request for approval: the homeserver answered 400 M_BAD_JSON',
    });
  // What was posted leaves the queue a moment after.
  await expect
    .poll(() => state.now.outgoing.map(({ content }) => content['body']), { timeout: 5_000 })
    .toEqual(['ask']);
  expect(lines[0]).toMatchObject({ level: 'error', fields: { message: messageKey('answer') } });
  isMended = true;
  await drained();
  expect(posted).toEqual(['good', 'ask']);
  expect(troubles.report.status).toBe('ok');
});

test('a request that was refused and is asked for no more does not come back', async () => {
  const refused = new HomeserverError('refused', 'no');
  const { state, queue, start } = await begin(async () => {
    await state.update((next) => void next.outgoing.splice(0));
    throw refused;
  });
  await queue('ask', makeRequest());
  void start();
  await expect.poll(() => state.now.outgoing).toEqual([]);
});

test('what cannot be noted is posted again, under the same key, until it can', async () => {
  let failures = 0;
  const { state, posted, troubles, queue, start, drained } = await begin(undefined, (path, data, mode) => {
    if (posted.length === 0 || failures >= 1) return writeFileAtomic(path, data, mode);
    failures += 1;
    return Promise.reject(new Error('ENOSPC: no space left on device'));
  });
  await queue('ask', makeRequest());
  void start();
  await expect.poll(() => troubles.report.reason).toContain('ENOSPC');
  await drained();
  expect(posted).toEqual(['ask', 'ask']);
  expect(state.now.gates).toHaveLength(1);
});

test('a stop ends the loop while it sends, waits or has nothing to do', async () => {
  const idle = await begin();
  const resting = idle.start();
  idle.stop.abort();
  await expect(resting).resolves.toBeUndefined();
  const sending = await begin(
    (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  await sending.queue('one');
  const running = sending.start();
  sending.stop.abort();
  await expect(running).resolves.toBeUndefined();
  expect(sending.state.now.outgoing).toHaveLength(1);
  expect([sending.troubles.report.status, sending.lines]).toEqual(['ok', []]);
});

const approved: Standing = { title: '✅ Approved', words: 'by me', since: null };
const running: Standing = { title: '▶️ Running', words: '', since: new Date(saidAt).toISOString() };

test('a message is edited when nothing waits to be sent, and what happens quickly is one edit', async () => {
  const { state, posted, queue, start } = await begin();
  await state.update((next) => void next.gates.push(makeGate({ standing: approved })));
  await queue('one');
  void start();
  await expect.poll(() => posted).toEqual(['one', '* ✅ Approved: gated.md']);
  await expect.poll(() => state.now.gates).toMatchObject([{ edited: '✅ Approved\nby me', edits: 1 }]);
  const begun = performance.now();
  for (const standing of [{ ...approved, words: 'by you' }, { ...approved, title: '⏸️ Interrupted' }, running])
    await state.update((next) => void Object.assign(next.gates[0] ?? {}, { standing }));
  await queue('two');
  await expect
    .poll(() => posted, { timeout: 10_000 })
    .toEqual(['one', '* ✅ Approved: gated.md', 'two', '* ▶️ Running: gated.md']);
  expect(performance.now() - begun).toBeGreaterThan(listenerLimits.editPauseMs / 2);
});

test('what takes long is edited in its time without anything else happening', async () => {
  const { state, posted, clock, start } = await begin();
  clock.now = saidAt + 59_900;
  await state.update((next) => void next.gates.push(makeGate({ standing: running, edited: '▶️ Running\n', edits: 1 })));
  void start();
  await expect.poll(() => state.now.gates[0]?.edited).toBe('▶️ Running\n');
  clock.now = saidAt + 60_000;
  await expect.poll(() => state.now.gates).toMatchObject([{ edited: '▶️ Running\nfor 1 min', edits: 2 }]);
  expect(posted).toHaveLength(1);
});

test('an edit is made again while the homeserver cannot take it, under the same key', async () => {
  const keys: string[] = [];
  const fail = failing(1, new HomeserverError('limited', 'the homeserver answered 429', { retryAfterMs: 0 }));
  const { state, troubles, start } = await begin((post, signal) => {
    keys.push(post.key);
    return fail(post, signal);
  });
  await state.update((next) => void next.gates.push(makeGate({ standing: approved })));
  void start();
  await expect.poll(() => troubles.report.status).toBe('waiting');
  await expect.poll(() => state.now.gates[0]?.edits, { timeout: 10_000 }).toBe(1);
  expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
  await expect.poll(() => troubles.report.status).toBe('ok');
});

test('an edit that is not taken is left out, and is no trouble', async () => {
  const { state, posted, troubles, lines, queue, start, drained } = await begin(({ content }) =>
    'm.new_content' in content ? Promise.reject(new HomeserverError('refused', 'no')) : Promise.resolve('$unused'),
  );
  await state.update((next) => void next.gates.push(makeGate({ standing: approved })));
  void start();
  await expect.poll(() => state.now.gates[0]?.edits).toBe(1);
  await queue('one');
  await drained();
  expect([posted, troubles.report.status, lines.length]).toEqual([['one'], 'ok', 1]);
});

const waiting = makeOutgoing('ask', makeRequest());

async function noted(change: (state: ListenerState) => void) {
  const state = await StateFile.open(scratchFolder(), room, bot);
  await state.update(change);
  return state.now;
}

test('seen in the room before its sending was answered, a message is one message', async () => {
  const now = await noted((next) => {
    next.outgoing.push(waiting);
    recordSent(next, waiting, '$g', 7);
    recordSent(next, waiting, '$g', null);
  });
  expect([now.outgoing, now.gates]).toEqual([[], [makeGate({ event: '$g', seen: 7 })]]);
});

test('sent and only then seen, it gets its place', async () => {
  const now = await noted((next) => {
    next.outgoing.push(waiting);
    recordSent(next, waiting, '$g', null);
    recordSent(next, waiting, '$g', 7);
    recordSent(next, waiting, '$g', 9);
  });
  expect(now.gates).toEqual([makeGate({ event: '$g', seen: 7 })]);
});

test('a request that was taken back while it was sent is asked no more', async () => {
  const now = await noted((next) => recordSent(next, waiting, '$g', null));
  expect(now.gates).toEqual([makeGate({ event: '$g', seen: null, closed: true, standing: withdrawn })]);
});
