import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answered, RoomDouble, sent } from '../testing/room-double.ts';

const program = join(import.meta.dirname, 'main.ts');

function type(origin: string, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', COUNTERSIGN_ROOM: origin };
    execFile(program, words, { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test.each([
  ['what a person said', answered('answered', 'in the drawer'), 0, 'in the drawer\n'],
  ['the default', answered('default', '9090'), 0, '9090\n'],
  ['nothing when nobody answered', answered('stopped'), 3, ''],
])('prints %s', async (_what, answer, code, stdout) => {
  const room = await RoomDouble.listen([sent, answer]);
  expect(await type(room.origin, 'Where is it?', '--deadline', '30')).toMatchObject({ code, stdout });
  expect(room.seen[0]?.body).toMatchObject({ body: 'Where is it?', 'org.countersign.question': { deadline_sec: 30 } });
});

test('says in JSON whether it was a person', async () => {
  const room = await RoomDouble.listen([sent, answered('default', 'b')]);
  const { stdout } = await type(room.origin, 'Which?', '--option', 'a', '--option', 'b', '--default', 'b', '--json');
  expect(JSON.parse(stdout)).toEqual({ status: 'answered', outcome: 'default', text: 'b' });
});

test('a refusal is on standard error', async () => {
  const room = await RoomDouble.listen([
    { status: 403, body: { errcode: 'M_FORBIDDEN', error: 'nobody is asked now' } },
  ]);
  expect(await type(room.origin, 'Which?')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('now'),
  });
});

test.each([
  [[]],
  [['two', 'words']],
  [['Which?', '--default', 'c', '--option', 'a']],
  [['Which?', '--option', 'a', '--option', 'a']],
  [['Which?', '--deadline', 'soon']],
  [['Which?', '--approve']],
  [['']],
])('%j is not understood, and asks nobody', async (words) => {
  const room = await RoomDouble.listen([sent]);
  expect(await type(room.origin, ...words)).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage:') });
  expect(room.seen).toEqual([]);
});
