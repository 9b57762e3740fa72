import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { emptyState } from '../state/listener-state.ts';
import { makeGate, makeOutgoing } from '../testing/gates.ts';
import { bot, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { FilePosts } from './post-file.ts';

const path = 'runs/RUN-20261120-001/tasks/gated/attempts/1/diffs/demo.patch';
const hostile = Buffer.from([...Array(256).keys(), 0xff, 0xfe, 0x1b, 0x5d, 0x00]);
const { signal } = new AbortController();

/** A patch on disk, and a homeserver that fails in these ways, one after the other. */
function begin(bytes: Buffer = hostile, failures: unknown[] = []) {
  const volumes = scratchFolder();
  const place = join(volumes, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, bytes);
  const uploads: [string, Uint8Array][] = [];
  const time = { ms: 0 };
  const homeserver = {
    answers: 0,
    /** So many other requests it answers while a file goes up. */
    others: 0,
    upload: async (name: string, sent: Uint8Array) => {
      uploads.push([name, sent]);
      homeserver.answers += homeserver.others;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return `mxc://home.test/${uploads.length}`;
    },
  };
  const files = new FilePosts({ volumes, homeserver, clock: () => time.ms });
  const state = { ...emptyState(room, bot), gates: [makeGate({ event: '$asked' })] };
  const file = { of: '0'.repeat(32), task: 'gated', name: 'gated-demo.patch', path, sha256: sha256(bytes) };
  const message = { ...makeOutgoing('file'), content: {}, file };
  const make = (change: Partial<typeof file> = {}) =>
    files.make({ ...message, file: { ...file, ...change } }, state, signal);
  return { make, uploads, place, state, time, homeserver };
}

test('the very bytes of the disk go up, whatever they are, and the post leads to them', async () => {
  const { make, uploads } = begin();
  expect(await make()).toMatchObject({
    type: 'm.room.message',
    content: {
      msgtype: 'm.file',
      body: 'gated-demo.patch',
      url: 'mxc://home.test/1',
      info: { mimetype: 'text/plain', size: hostile.length },
      'm.relates_to': { rel_type: 'm.thread', event_id: '$asked' },
    },
  });
  expect(uploads).toEqual([['gated-demo.patch', hostile]]);
});

test('what is up does not go up again while only its post fails', async () => {
  const { make, uploads } = begin();
  const [first, second] = [await make(), await make()];
  expect([second, uploads.length]).toEqual([first, 1]);
});

test.each<[string, (place: string) => void]>([
  ['was changed', (place) => writeFileSync(place, 'other')],
  ['has grown', (place) => writeFileSync(place, Buffer.concat([hostile, Buffer.from('x')]))],
  ['has become huge', (place) => writeFileSync(place, Buffer.alloc(2 * 1024 * 1024 + 1))],
  ['is gone', (place) => rmSync(place)],
  [
    'has become a link',
    (place) => {
      rmSync(place);
      symlinkSync('/etc/hostname', place);
    },
  ],
])('nothing goes up that %s', async (_what, change) => {
  const { make, uploads, place } = begin();
  change(place);
  await expect(make()).rejects.toMatchObject({ name: 'FileError', code: 'left-out' });
  expect(uploads).toEqual([]);
});

test('a file of the largest size goes up', async () => {
  const { make, uploads } = begin(Buffer.alloc(2 * 1024 * 1024, 'x'));
  await make();
  expect(uploads[0]?.[1]).toHaveLength(2 * 1024 * 1024);
});

test('without a thread of its task it is left out', async () => {
  const { make, state, uploads } = begin();
  state.gates.length = 0;
  await expect(make()).rejects.toMatchObject({ code: 'left-out' });
  expect(uploads).toEqual([]);
});

test.each([
  ['413 M_TOO_LARGE', new HomeserverError('refused', 'the homeserver answered 413 M_TOO_LARGE', { status: 413 })],
  ['413 of a proxy', new HomeserverError('bad-answer', 'the homeserver answered 413', { status: 413 })],
  ['403', new HomeserverError('forbidden', 'the homeserver answered 403 M_FORBIDDEN', { status: 403 })],
  ['404', new HomeserverError('missing', 'the homeserver answered 404 M_UNRECOGNIZED', { status: 404 })],
  ['400', new HomeserverError('refused', 'the homeserver answered 400 M_UNKNOWN', { status: 400 })],
  ['the door says no', new HomeserverError('refused', 'this method and path are not forwarded')],
])('a homeserver that will never take it is not asked again: %s', async (_what, error) => {
  const { make } = begin(hostile, [error]);
  await expect(make()).rejects.toMatchObject({ code: 'left-out', cause: error });
});

test.each([
  ['500', new HomeserverError('unreachable', 'the homeserver answered 500', { status: 500 })],
  ['429', new HomeserverError('limited', 'the homeserver answered 429', { status: 429, retryAfterMs: 5 })],
  ['an answer that is none', new HomeserverError('bad-answer', 'not that of a Matrix server')],
])('one that cannot take it now is asked again for a while: %s', async (_what, error) => {
  const { make, time } = begin(hostile, [error, error]);
  await expect(make()).rejects.toMatchObject({ code: 'later', cause: error });
  time.ms = listenerLimits.filePatienceMs;
  await expect(make()).rejects.toMatchObject({ code: 'later' });
  expect(await make()).toMatchObject({ content: { msgtype: 'm.file' } });
});

test('and then not any more', async () => {
  const error = new HomeserverError('unreachable', 'the homeserver answered 500', { status: 500 });
  const { make, time } = begin(hostile, [error, error]);
  await expect(make()).rejects.toMatchObject({ code: 'later' });
  time.ms = listenerLimits.filePatienceMs + 1;
  await expect(make()).rejects.toMatchObject({ code: 'left-out' });
});

test.each([
  new HomeserverError('unauthorised', 'the homeserver answered 401 M_UNKNOWN_TOKEN', { status: 401 }),
  new HomeserverError('address', 'refused'),
])('what keeps every message away keeps it as well, however long: $code', async (error) => {
  const { make, time } = begin(hostile, [error, error]);
  await expect(make()).rejects.toBe(error);
  time.ms = listenerLimits.filePatienceMs * 10;
  await expect(make()).rejects.toBe(error);
  expect(await make()).toMatchObject({ content: { msgtype: 'm.file' } });
});

test('one that nothing comes back of holds up nothing: it is left out when others are answered meanwhile, and else waits', async () => {
  const error = new HomeserverError('unreachable', 'the homeserver does not answer in time, or broke off');
  const { make, time, homeserver } = begin(hostile, Array(5).fill(error));
  await expect(make()).rejects.toMatchObject({ name: 'FileError', code: 'later', cause: error });
  time.ms = listenerLimits.filePatienceMs * 10;
  await expect(make()).rejects.toMatchObject({ code: 'later' });
  homeserver.others = 1;
  await expect(make()).rejects.toMatchObject({ code: 'later' });
  time.ms += listenerLimits.filePatienceMs;
  await expect(make()).rejects.toMatchObject({ code: 'later' });
  time.ms += 1;
  await expect(make()).rejects.toMatchObject({ name: 'FileError', code: 'left-out' });
});
