import { taskFileLimits } from '@countersign/contracts/limits.ts';
import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { bot } from '../testing/room-events.ts';
import { attachedAt, isTaskFile, readFile } from './read-file.ts';
import { submittedName } from './read-run.ts';

const attached = { server: 'home.test', media: 'abc' };
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
  expect(await readFile(attached, bytes(text), 'c')).toEqual({
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
  expect(await readFile(attached, download, 'c')).toMatchObject({ ok: false, reason });
});

test.each(['unreachable', 'limited', 'unauthorised', 'address'] as const)(
  'A32 while the homeserver is %s, the file is asked for again later',
  async (code) => {
    const failed = readFile(attached, () => Promise.reject(new HomeserverError(code, 'later')), 'c');
    await expect(failed).rejects.toThrow('later');
  },
);

test('an error that is none of the homeserver’s is not hidden', async () => {
  await expect(readFile(attached, () => Promise.reject(new Error('our bug')), 'c')).rejects.toThrow('our bug');
});
