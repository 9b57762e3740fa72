import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { startListening } from '../testing/listening.ts';
import { edit, operator, type RawEvent, said, saidAt, stranger } from '../testing/room-events.ts';
import { commandIdOf } from './command-id.ts';
import { submittedName } from './read-run.ts';

const task = 'workspace: demo\nstage: staging\n\nfix the door\n';

function attach(name: string, change: Partial<RawEvent> = {}, more: object = {}): RawEvent {
  const content = { msgtype: 'm.file', body: 'task.md', url: 'mxc://home.test/abc', ...more };
  return said(name, '', { content, ...change });
}

async function begin() {
  const listening = await startListening();
  listening.files.set('abc', Promise.resolve(Buffer.from(task)));
  return listening;
}

test('a file that is attached is dropped, once', async () => {
  const { hear, commands, state } = await begin();
  await hear(attach('a'), attach('a'));
  await hear(attach('a'));
  const file = submittedName(commandIdOf('$a'));
  expect(commands()).toMatchObject([{ kind: 'submit', evidence: '$a', subject: { file, content: task } }]);
  expect(state.now.issued).toMatchObject([{ answerTo: '$a', stands: 'waiting' }]);
});

test.each<[string, RawEvent]>([
  ['of a stranger', attach('a', { sender: stranger })],
  ['that is taken back', attach('a', { unsigned: { redacted_because: {} } })],
  ['that was edited', attach('a', { unsigned: { 'm.relations': { 'm.replace': {} } } })],
  ['of another kind', attach('a', {}, { body: 'photo.png' })],
  ['that an edit brings', edit('a', 'task.md', 'x', { content: { ...attach('x').content, 'm.new_content': {} } })],
])('A01 A10 A11 a file %s is nothing', async (_, event) => {
  const { hear, commands, answers } = await begin();
  await hear(event);
  expect([commands(), answers()]).toEqual([[], []]);
});

test('A33 one that is older than a day is told with what else came too late', async () => {
  const { takeIn, commands, answers } = await begin();
  await takeIn([attach('a', { origin_server_ts: saidAt - 2 * 24 * 60 * 60 * 1000 })], { since: 's1' });
  expect(commands()).toEqual([]);
  expect(answers()).toEqual([expect.stringContaining('more than a day ago')]);
});

test.each([
  [
    'lies elsewhere',
    { url: 'mxc://evil.test/abc' },
    'Refused: the file does not lie on this homeserver, or is encrypted',
  ],
  ['is encrypted', { url: undefined, file: {} }, 'Refused: the file does not lie on this homeserver, or is encrypted'],
  ['is gone', { url: 'mxc://home.test/gone' }, 'Refused: the file cannot be read: no such file'],
])('A16 A18 a file that %s is refused', async (_, more, answer) => {
  const { hear, commands, answers } = await begin();
  await hear(attach('a', {}, more));
  expect([commands(), answers()]).toEqual([[], [answer]]);
});

test('A32 what cannot be fetched now is fetched when it can be, and nothing before it is done again', async () => {
  const { takeIn, commands, files, state } = await begin();
  const failing = Promise.reject<Uint8Array>(new HomeserverError('unreachable', 'later'));
  failing.catch(() => undefined);
  files.set('abc', failing);
  const events = [said('first', 'pause', { sender: operator }), attach('a')];
  await expect(takeIn(events, { since: 's1' })).rejects.toThrow('later');
  expect(state.now.since).toBeNull();
  files.set('abc', Promise.resolve(Buffer.from(task)));
  await takeIn(events, { since: 's1' });
  expect(commands().map(({ kind }) => kind)).toEqual(['pause', 'submit']);
});

test('A32 one that is never given holds up the room for a while alone, and signs nothing anew meanwhile', async () => {
  const { takeIn, commands, answers, clock, files, state } = await begin();
  const failing = Promise.reject<Uint8Array>(new HomeserverError('unreachable', 'the homeserver answered 500'));
  failing.catch(() => undefined);
  files.set('abc', failing);
  const events = [said('first', 'pause'), attach('a'), said('last', 'resume')];
  for (let turn = 0; turn < 3; turn += 1) {
    await expect(takeIn(events, { since: 's1' })).rejects.toThrow('answered 500');
    clock.elapsed += 10_000;
  }
  expect(commands().map(({ kind }) => kind)).toEqual(['pause']);
  clock.elapsed += listenerLimits.filePatienceMs;
  await takeIn(events, { since: 's1' });
  expect(commands().map(({ kind }) => kind)).toEqual(['pause', 'resume']);
  expect(answers()).toEqual(['Refused: the file cannot be read; attach it again: the homeserver answered 500']);
  expect(state.now.since).toBe('s1');
});
