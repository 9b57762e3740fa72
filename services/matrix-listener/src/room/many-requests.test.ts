import { beforeEach, describe, expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { markOf } from '../message/mark.ts';
import { messageKey } from '../state/key.ts';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { reaction, reply, said, saidAt } from '../testing/room-events.ts';
import { World } from '../testing/world.ts';

const idOf = (index: number) => `t${String(index).padStart(3, '0')}`;

test('A26 of 500 requests in a minute each is a message with its own task and digest, and one tap decides one', async () => {
  const world = new World();
  await world.turn();
  const digests: string[] = [];
  for (let burst = 0; burst < 10; burst += 1) {
    for (let index = burst * 50; index < burst * 50 + 50; index += 1)
      digests.push(await world.ask(idOf(index), `plan ${index}`));
    await world.turn();
  }
  const requests = new Map(world.room.posted.map((event) => [markOf(event.content), event]));
  const asked = digests.map((digest) => requests.get(messageKey('request', digest)));
  for (const [index, message] of asked.entries()) {
    const body = String(message?.content['body']);
    expect(body).toContain(`\ntask: ${idOf(index)}\n`);
    expect(body).toContain(`\ndigest: ${digests[index]?.slice(0, 8)}\n`);
  }
  expect(new Set(asked.map((message) => message?.event_id)).size).toBe(500);
  world.room.say(reaction('yes', '✅', asked[217]?.event_id.slice(1) ?? ''));
  world.room.say(said('no', `reject ${idOf(300)} not this one`));
  await world.settle();
  expect(world.decided).toEqual([`approve ${idOf(217)}`, `reject ${idOf(300)}`]);
}, 120_000);

describe('A26 no word approves more than one', () => {
  const gates = Array.from({ length: 50 }, (_, index) =>
    makeGate({ task: idOf(index), event: `$gate-${index}`, seen: index + 1 }),
  );
  let listening: Awaited<ReturnType<typeof startListening>>;
  beforeEach(async () => {
    listening = await startListening(gates);
  });

  test.each([
    'all',
    'ALL',
    'everything',
    '*',
    '*.md',
    't*',
    't0??',
    '.*',
    '/t\\d+/',
    't000 t001',
    't000, t001',
    't000.md t001.md',
    't000-t049',
    't000..t049',
    '--all',
    '-a',
    '-y t000',
    '1-50',
    'pending',
    'the rest',
    'these',
    '',
  ])('approve %j', async (words) => {
    const { hear, commands, answers } = listening;
    await hear(said('e', `approve ${words}`), said('f', `Approve ${words}`.trim()));
    expect(commands()).toEqual([]);
    expect(answers().filter((answer) => answer.startsWith('Refused: '))).toHaveLength(2);
  });

  test('nor does an answer to a message of many, or a sign on it', async () => {
    const { hear, commands } = listening;
    await hear(reaction('a', '✅', 'list-of-them'), reply('b', 'approve', 'list-of-them'));
    await hear(reply('c', 'approve all', 'gate-7'), reaction('d', '✅✅', 'gate-7'));
    expect(commands()).toEqual([]);
    await hear(reply('e', 'approve', 'gate-7'));
    expect(commands().map(({ subject }) => subject)).toEqual([{ task: idOf(7), digest: gates[7]?.digest }]);
  });
});

test('A26 A15 a request that takes the name of a frequent one is told by its id, and its name means neither', async () => {
  const file = { file: 'nightly.md', droppedAs: 'nightly.md' };
  const usual = makeGate({ ...file, task: 'usual', event: '$usual', seen: 1 });
  const other = makeGate({ ...file, task: 'other', event: '$other', seen: 2 });
  const { hear, commands, answers } = await startListening([usual, other]);
  await hear(said('a', 'approve nightly.md'), said('b', 'approve nightly'));
  expect(commands()).toEqual([]);
  expect(answers()[0]).toMatch(/^Refused: "nightly\.md" is usual and other; name the id$/);
  await hear(said('c', 'approve usual'));
  expect(commands().map(({ subject }) => subject)).toEqual([{ task: 'usual', digest: usual.digest }]);
});

test('A33 of 10,000 events after a day away, only those count that are of today and name what was asked', async () => {
  const { takeIn, commands, answers, change } = await startListening([
    makeGate({ task: 'old', event: '$old', digest: 'a'.repeat(64), closed: true }),
    makeGate({ task: 'old', event: '$newer', digest: 'b'.repeat(64), seen: 2 }),
  ]);
  const events = Array.from({ length: 10_000 }, (_, index) => {
    const isOfToday = index >= 9_000;
    const at = { origin_server_ts: saidAt - (isOfToday ? 0 : listenerLimits.answerAgeMs + 1) };
    if (index % 250 === 1) return reaction(`e${index}`, '✅', 'old', at);
    if (index % 250 === 2) return said(`e${index}`, 'approve old', at);
    return said(`e${index}`, `talk ${index}`, at);
  });
  const page = 200;
  for (let from = 0; from < events.length; from += page) {
    await takeIn(events.slice(from, from + page), { gap: `s${from + page}` });
    // What is to be said is said meanwhile.
    if (from + page < events.length) await change((next) => void Object.assign(next, { outgoing: [] }));
  }
  const decided = commands().map(({ evidence, subject }) => [evidence, 'digest' in subject && subject.digest]);
  // A sign is bound to what its message showed; the runner refuses that one.
  expect(decided).toEqual(
    [9_000, 9_250, 9_500, 9_750].flatMap((index) => [
      [`$e${index + 1}`, 'a'.repeat(64)],
      [`$e${index + 2}`, 'b'.repeat(64)],
    ]),
  );
  expect(answers()).toEqual([]);
  await takeIn([], { since: 's10000' });
  expect(answers()).toEqual([expect.stringContaining('Nothing was done about 72 answers')]);
}, 60_000);
