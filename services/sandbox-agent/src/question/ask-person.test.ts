import { expect, test } from 'vitest';
import { answered, nothing, quickWaits, RoomDouble, sent } from '../testing/room-double.ts';
import { askPerson } from './ask-person.ts';

const asking = { text: 'Which port?', options: ['8080', '9090'], default: '9090', deadline_sec: 60 };

async function ask(...answers: Parameters<typeof RoomDouble.listen>[0]) {
  const room = await RoomDouble.listen(answers);
  const options = { origin: room.origin, waits: quickWaits, signal: new AbortController().signal };
  return { room, asked: await askPerson(asking, options) };
}

test('a question goes as a message of Matrix’s, and its answer is waited for', async () => {
  const { room, asked } = await ask(sent, nothing, answered('answered', '8080'));
  expect(asked).toEqual({ status: 'answered', outcome: 'answered', text: '8080' });
  expect(room.seen[0]).toEqual({
    method: 'PUT',
    url: expect.stringMatching(
      /^\/_matrix\/client\/v3\/rooms\/!task%3Acountersign\/send\/m\.room\.message\/[0-9a-f]{24}$/,
    ),
    body: {
      msgtype: 'm.text',
      body: 'Which port?',
      'org.countersign.question': { options: ['8080', '9090'], default: '9090', deadline_sec: 60 },
    },
  });
  expect(room.seen.slice(1).map(({ url }) => url)).toEqual([
    '/_matrix/client/v3/sync?since=s0&timeout=20',
    '/_matrix/client/v3/sync?since=s1&timeout=20',
  ]);
});

test.each([
  ['default', { status: 'answered', outcome: 'default', text: '9090' }],
  ['stopped', { status: 'unanswered' }],
  ['withdrawn', { status: 'unanswered' }],
] as const)('the outcome %s is told for what it is', async (outcome, wanted) => {
  expect((await ask(sent, answered(outcome, '9090'))).asked).toEqual(wanted);
});

test('an answer to another question is none', async () => {
  const { asked } = await ask(sent, answered('answered', 'yes', '$other'), answered('answered', '8080'));
  expect(asked).toMatchObject({ text: '8080' });
});

test('what nobody has taken yet, or was cut off, is asked again as the same question', async () => {
  const unheard = { status: 504, body: { errcode: 'M_UNKNOWN', error: 'nobody has taken it yet' } };
  const { room, asked } = await ask(
    'hang-up',
    unheard,
    { status: 200, body: 'half an ans' },
    sent,
    'hang-up',
    { status: 502, body: '' },
    answered('answered', '8080'),
  );
  expect(asked).toMatchObject({ text: '8080' });
  const puts = room.seen.filter(({ method }) => method === 'PUT').map(({ url }) => url);
  expect(puts).toHaveLength(4);
  expect(new Set(puts).size).toBe(1);
});

test('a refusal is told, and not argued with', async () => {
  const { room, asked } = await ask({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'one at a time' } });
  expect(asked).toEqual({ status: 'not-asked', reason: 'one at a time' });
  expect(room.seen).toHaveLength(1);
});

test('where nobody is there, it is given up after a while', async () => {
  expect((await ask('hang-up')).asked).toEqual({ status: 'not-asked', reason: 'nobody took the question' });
});
