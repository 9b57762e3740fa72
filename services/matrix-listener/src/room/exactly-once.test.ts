import { expect, test } from 'vitest';
import { markOf } from '../message/mark.ts';
import { messageKey } from '../state/key.ts';
import { reaction, redaction, said, stranger } from '../testing/room-events.ts';
import { type Death, World } from '../testing/world.ts';

/**
 * A day in the room: requests, a line, a word of a stranger, decisions on what is asked and on what is not, a result and its merge, an approval that is
 * taken back, a cancellation and a pause. When the listener is killed, the day goes on.
 * @param isForgetful the homeserver does not know a transaction again after a while
 */
async function day(death: Death | null, isForgetful: boolean) {
  const world = new World(death);
  const turn = async () => {
    await world.turn();
    if (isForgetful) world.room.forgetTransactions();
  };
  const gate = (digest: string) => {
    const key = messageKey('request', digest);
    return world.room.posted.find(({ content }) => markOf(content) === key)?.event_id.slice(1) ?? 'not yet';
  };
  await turn();
  const first = await world.ask('aa');
  await world.settle();
  world.room.say(reaction('yes', '✅', gate(first)));
  world.room.say(said('no', 'reject aa', { sender: stranger }));
  world.room.say(said('odd', 'approve zz'));
  await turn();
  await world.runner();
  await turn();
  await world.line('good night');
  const second = await world.ask('bb');
  await world.settle();
  world.room.say(said('late', 'reject bb too soon'));
  world.room.say(said('later', 'approve bb'));
  await turn();
  const result = await world.finish('cc');
  await world.settle();
  world.room.say(said('in', 'merge cc unverified'));
  await turn();
  await turn();
  const third = await world.ask('dd');
  await world.settle();
  world.room.say(said('yes-too', 'approve dd'));
  await turn();
  await turn();
  world.room.redact('$yes-too', redaction('undo', 'yes-too'));
  await turn();
  await turn();
  await world.settle();
  world.room.say(said('stop', 'cancel dd.md enough of it'));
  world.room.say(said('halt', 'pause for the night'));
  await turn();
  await turn();
  await world.settle();
  const { posted } = world.room;
  return {
    steps: world.steps,
    keys: posted.map(({ content }) => markOf(content)),
    bodies: world.room.bodies.toSorted(),
    edited: Object.values(world.room.edited),
    decided: world.decided,
    commands: new Set(
      world.written.map(({ id, kind, subject, evidence }) => JSON.stringify([id, kind, subject, evidence])),
    ),
    digests: [first, second, third, result],
  };
}

test('a listener that nobody kills says everything once and passes every decision on once', async () => {
  const { keys, bodies, edited, decided, commands, digests } = await day(null, false);
  expect(new Set(keys).size).toBe(keys.length);
  const requests = digests.slice(0, 3);
  expect(keys).toEqual(expect.arrayContaining(requests.map((digest) => messageKey('request', digest))));
  expect(bodies.filter((body) => !digests.some((digest) => body.includes(digest.slice(0, 8))))).toEqual([
    'Accepted: pause',
    'Accepted: revoke dd',
    'Cancelled: dd.md (dd). as was asked',
    'Merged: cc.md (cc). merged into demo main\ndemo: 1 file, +2 -1, refs/agentic/RUN-20261120-001/cc',
    `Refused: ${stranger} may not decide here; configs/stages.yaml lists who may`,
    'Refused: approve bb',
    'Refused: nothing that was asked for in this room is called "zz"',
    'cc-demo.patch',
    'good night',
    '👍 $in',
    '👍 $late',
    '👍 $stop',
    '👍 $yes-too',
  ]);
  expect(edited).toEqual(['✅ Approved: aa.md', '🚫 Rejected: bb.md', '🔀 Merged: cc.md', '🛑 Cancelled: dd.md']);
  expect(decided).toEqual([
    'approve aa',
    'reject bb',
    'refused',
    'merge cc',
    'approve dd',
    'revoke dd',
    'cancel dd',
    'pause',
  ]);
  const told = [...commands].map((text) => JSON.parse(text).slice(1));
  expect(told).toEqual([
    ['approve', { task: 'aa', digest: digests[0] }, '$yes'],
    ['reject', { task: 'bb', digest: digests[1], reason: 'too soon' }, '$late'],
    ['approve', { task: 'bb', digest: digests[1] }, '$later'],
    ['merge', { task: 'cc', digest: digests[3], unverified: true }, '$in'],
    ['approve', { task: 'dd', digest: digests[2] }, '$yes-too'],
    ['revoke', { task: 'dd', command: JSON.parse([...commands][4] ?? '[]')[0] }, '$undo'],
    ['cancel', { task: 'dd', reason: 'enough of it' }, '$stop'],
    ['pause', { reason: 'for the night' }, '$halt'],
  ]);
});

test.each(['before', 'after'] as const)(
  'killed %s any step, it does the same',
  async (when) => {
    const whole = await day(null, false);
    expect(whole.steps).toBeGreaterThan(20);
    for (let step = 1; step <= whole.steps; step += 1) {
      const { keys, bodies, edited, decided, commands } = await day({ step, when }, step % 2 === 0);
      const at = `killed ${when} step ${step} of ${whole.steps}`;
      expect(new Set(keys).size, at).toBe(keys.length);
      expect(bodies, at).toEqual(whole.bodies);
      expect(edited, at).toEqual(whole.edited);
      expect(decided, at).toEqual(whole.decided);
      expect([...commands].toSorted(), at).toEqual([...whole.commands].toSorted());
    }
  },
  240_000,
);
