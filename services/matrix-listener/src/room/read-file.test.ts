import { taskFileLimits } from '@countersign/contracts/limits.ts';
import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { Patience } from '../patience.ts';
import { bot } from '../testing/room-events.ts';
import { attachedAt, isTaskFile, readFile } from './read-file.ts';
import { submittedName } from './read-run.ts';

const attached = { server: 'home.test', media: 'abc' };
/** One file that fails in this way, whenever it is asked for. */
function failing(error: HomeserverError) {
  const time = { ms: 0 };
  const patience = new Patience(() => time.ms);
  const fail = () => readFile(attached, () => Promise.reject(error), 'c', patience);
  return { time, fail, read: () => readFile(attached, bytes('x'), 'c', patience) };
}

const bytes = (text: string | Uint8Array) => () => Promise.resolve(typeof text === 'string' ? Buffer.from(text) : text);

test.each([
  [{ msgtype: 'm.file', body: 'task.md' }, true],
  [{ msgtype: 'm.file', body: 'look at this', filename: 'TASK.MD' }, true],
  [{ msgtype: 'm.file', body: 'task.md', filename: 'photo.png' }, false],
  [{ msgtype: 'm.file', body: 'task.md.exe' }, false],
  [{ msgtype: 'm.file', body: 5 }, false],
  [{ msgtype: 'm.text', body: 'task.md' }, false],
  [{ msgtype: 'm.image', body: 'task.md' }, false],
])('%j is a task file: %j', (content, is) => {
  expect(isTaskFile(content)).toBe(is);
});

test('a file lies on the homeserver of the bot', () => {
  expect(attachedAt({ url: 'mxc://home.test/aB_-9' }, bot)).toEqual({ server: 'home.test', media: 'aB_-9' });
});

test.each([
  'mxc://evil.test/abc',
  'mxc://home.test.evil.test/abc',
  'mxc://home.test/../abc',
  'mxc://home.test/a/b',
  'mxc://home.test/',
  'mxc://home.test/abc?x',
  'https://home.test/abc',
  'file:///etc/passwd',
  'mxc://HOME.TEST/abc',
  '',
  null,
])('A18 S084 nothing is asked for at %j', (url) => {
  expect(attachedAt({ url }, bot)).toBeNull();
  expect(attachedAt({ file: { url: 'mxc://home.test/abc', key: {} } }, bot)).toBeNull();
});

test('its text becomes the task file, whole, under a name of ours', async () => {
  const text = '\u{feff}workspace: demo\nstage: dev\n\nfix the door\n';
  expect(await readFile(attached, bytes(text), 'c', new Patience())).toEqual({
    ok: true,
    asked: { kind: 'submit', subject: { file: submittedName('c'), content: text } },
  });
});

test.each<[string, () => Promise<Uint8Array>, RegExp]>([
  ['too large', bytes('x'.repeat(taskFileLimits.fileBytes + 1)), /at most 262144 bytes/],
  ['no text', bytes(new Uint8Array([0xff, 0xfe, 0x00])), /no text in UTF-8/],
  ['gone', () => Promise.reject(new HomeserverError('missing', 'the homeserver answered 404')), /answered 404/],
  ['forbidden', () => Promise.reject(new HomeserverError('forbidden', 'no')), /cannot be read/],
  ['larger than any answer', () => Promise.reject(new HomeserverError('bad-answer', 'too much')), /too much/],
])('A16 one that is %s is refused', async (_, download, reason) => {
  expect(await readFile(attached, download, 'c', new Patience())).toMatchObject({ ok: false, reason });
});

test.each(['unauthorised', 'address'] as const)(
  'A32 while the homeserver is %s, the file is asked for again later, however long',
  async (code) => {
    const { fail, time } = failing(new HomeserverError(code, 'later'));
    await expect(fail()).rejects.toThrow('later');
    time.ms = listenerLimits.filePatienceMs * 10;
    await expect(fail()).rejects.toThrow('later');
  },
);

test.each([
  ['500', new HomeserverError('unreachable', 'the homeserver answered 500', { status: 500 })],
  ['429', new HomeserverError('limited', 'the homeserver answered 429', { status: 429 })],
  ['nothing in time', new HomeserverError('unreachable', 'the homeserver does not answer in time')],
])('A32 one that the homeserver answers with %s is asked for again for a while, and then refused', async (_, error) => {
  const { fail, read, time } = failing(error);
  await expect(fail()).rejects.toBe(error);
  time.ms = listenerLimits.filePatienceMs;
  await expect(fail()).rejects.toBe(error);
  time.ms += 1;
  expect(await fail()).toEqual({ ok: false, reason: `the file cannot be read; attach it again: ${error.message}` });
  // What is read at last has all of its time again.
  await expect(fail()).rejects.toBe(error);
  await read();
  time.ms += listenerLimits.filePatienceMs + 1;
  await expect(fail()).rejects.toBe(error);
});

test('an error that is none of the homeserver’s is not hidden', async () => {
  await expect(readFile(attached, () => Promise.reject(new Error('our bug')), 'c', new Patience())).rejects.toThrow(
    'our bug',
  );
});
