import { expect, onTestFinished, test } from 'vitest';
import type { Post } from '../adapters/matrix.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { drop } from '../journals/asked.ts';
import { messageKey } from '../state/key.ts';
import type { QueuedFile } from '../state/listener-state.ts';
import { StateFile } from '../state/state-file.ts';
import { makeRequest } from '../testing/gates.ts';
import { keptLog } from '../testing/kept-log.ts';
import { bot, eventId, room, saidAt } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Troubles } from '../troubles.ts';
import { enqueue } from './enqueue.ts';
import { enqueueFiles } from './enqueue-files.ts';
import { FileError } from './post-file.ts';
import { sendLoop } from './send-loop.ts';

type Make = (name: string) => void;

/** A request with two files behind it, and a line behind those. @param make fails for some of them */
async function begin(make: Make = () => undefined, refuses: (post: Post) => unknown = () => null) {
  const state = await StateFile.open(scratchFolder(), room, bot);
  const ask = messageKey('ask');
  await state.update((next) => {
    enqueue(next, ask, { msgtype: 'm.text', body: 'ask', 'm.mentions': {} }, makeRequest());
    enqueueFiles(next, ask, 'digest', [fileOf('a'), fileOf('b')]);
    enqueueFiles(next, ask, 'digest', [fileOf('a')]);
    enqueue(next, messageKey('line'), { msgtype: 'm.text', body: 'line', 'm.mentions': {} });
  });
  const posted: string[] = [];
  const send = async (post: Post) => {
    const error = refuses(post);
    if (error !== null) throw error;
    posted.push(String((post.content as { body: string }).body));
    return eventId(post.key);
  };
  const files = {
    make: async ({ key, type, file }: { key: string; type: Post['type']; file: QueuedFile }) => {
      make(file.name);
      return { key, type, content: { body: file.name } };
    },
  };
  const { logger, lines } = keptLog();
  const troubles = new Troubles();
  const stop = new AbortController();
  const start = () => {
    const running = sendLoop({ state, homeserver: { send }, files, troubles, logger, now: () => saidAt }, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
  };
  const drained = () => expect.poll(() => state.now.outgoing, { timeout: 20_000 }).toEqual([]);
  return { state, ask, posted, start, drained, lines, troubles };
}

const fileOf = (repository: string) => ({
  task: 'gated',
  name: `gated-${repository}.patch`,
  path: 'runs/x',
  sha256: '0'.repeat(64),
});

test('files follow their message, each once', async () => {
  const { posted, start, drained } = await begin();
  start();
  await drained();
  expect(posted).toEqual(['ask', 'gated-a.patch', 'gated-b.patch', 'line']);
});

test('one that is left out holds up nothing, and is no trouble', async () => {
  const { posted, start, drained, lines, troubles } = await begin((name) => {
    if (name === 'gated-a.patch') throw new FileError('left-out', 'the homeserver does not take it');
  });
  start();
  await drained();
  expect(posted).toEqual(['ask', 'gated-b.patch', 'line']);
  expect(lines).toMatchObject([{ level: 'warn', fields: { error: 'the homeserver does not take it' } }]);
  expect(troubles.report.status).toBe('ok');
});

test('one that cannot be posted yet goes behind all else', async () => {
  let failures = 1;
  const { posted, start, drained } = await begin((name) => {
    if (name === 'gated-a.patch' && failures-- > 0)
      throw new FileError('later', 'busy', { cause: new HomeserverError('limited', 'busy', { retryAfterMs: 0 }) });
  });
  start();
  await drained();
  expect(posted).toEqual(['ask', 'gated-b.patch', 'line', 'gated-a.patch']);
});

test('no file goes before its message: they wait together', async () => {
  let isRefused = true;
  const { posted, start, drained } = await begin(undefined, ({ key }) => {
    if (key !== messageKey('ask') || !isRefused) return null;
    isRefused = false;
    return new HomeserverError('refused', 'no');
  });
  start();
  await drained();
  expect(posted).toEqual(['line', 'ask', 'gated-a.patch', 'gated-b.patch']);
});

test('a message that is taken back before it was posted takes its files with it; afterwards they are posted', async () => {
  const early = await begin();
  await early.state.update((next) => drop(next, 'gated', null));
  early.start();
  await early.drained();
  expect(early.posted).toEqual(['line']);
  const late = await begin(undefined, ({ key }) =>
    key === messageKey('ask') ? null : new HomeserverError('limited', 'wait', { retryAfterMs: 0 }),
  );
  late.start();
  await expect.poll(() => late.posted).toEqual(['ask']);
  await expect.poll(() => late.state.now.outgoing.length).toBe(3);
  await late.state.update((next) => drop(next, 'gated', null));
  expect(late.state.now.outgoing.map(({ file }) => file?.name)).toEqual(['gated-a.patch', 'gated-b.patch', undefined]);
});

test('what waits survives a restart as it was', async () => {
  const { state, ask } = await begin();
  expect(state.now.outgoing[1]).toEqual({
    key: messageKey('file', 'gated', 'digest', 'gated-a.patch'),
    type: 'm.room.message',
    content: {},
    request: null,
    file: { ...fileOf('a'), of: ask },
  });
});
