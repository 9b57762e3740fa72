import { expect, test } from 'vitest';
import { listenerLimits } from './limits.ts';
import { json } from './testing/door.ts';
import { makeAskingTask, makeQuestion } from './testing/questions.ts';
import { type Interference, postOf } from './testing/room-door.ts';
import { operator, reaction, said, stranger } from './testing/room-events.ts';
import { beginListener as begin, firstToken as token } from './testing/running-listener.ts';

const soon = { timeout: 10_000 };
const recent = (event: ReturnType<typeof said>) => ({ ...event, origin_server_ts: Date.now() });

test('what waits is asked in the room, a reaction becomes a command, and its verdict an answer', async () => {
  const { home, start, ask, bodies, commands, journals, health, lines } = await begin();
  const digest = await ask('aa');
  const end = start();
  await expect.poll(bodies, soon).toHaveLength(1);
  await expect.poll(async () => (await health())?.status, soon).toBe('ok');
  home.say(recent(reaction('no', '✅', home.posted[0]?.event_id.slice(1) ?? '', { sender: stranger })));
  home.say(recent(reaction('yes', '✅', home.posted[0]?.event_id.slice(1) ?? '')));
  await expect
    .poll(commands, soon)
    .toMatchObject([{ kind: 'approve', evidence: '$yes', subject: { task: 'aa', digest } }]);
  const data = {
    command: commands()[0]?.id ?? '',
    kind: 'approve',
    channel: 'matrix',
    user: operator,
    evidence: '$yes',
  };
  await journals.append(null, { event: 'command_accepted', summary: 'aa is approved', data });
  await expect.poll(bodies, soon).toHaveLength(3);
  expect(bodies()[1]).toContain(`${stranger} may not decide here`);
  expect(bodies()[2]).toBe('Accepted: aa is approved');
  await end();
  expect(JSON.stringify(lines)).not.toContain(token);
});

test('a question is answered once, in a thread of its own, also over a restart; a task is dropped by words', async () => {
  const { home, start, ask, bodies, commands } = await begin();
  await ask('aa');
  const end = start();
  await expect.poll(bodies, soon).toHaveLength(1);
  home.say(recent(said('nobody', 'status', { sender: stranger })));
  home.say(recent(said('question', 'Pending')));
  home.say(recent(said('slip', 'aprove aa')));
  await expect.poll(bodies, soon).toHaveLength(3);
  const answer = home.posted[1]?.content;
  expect(answer).toMatchObject({
    msgtype: 'm.notice',
    body: expect.stringContaining('\naa: your approval (until '),
    'm.relates_to': { rel_type: 'm.thread', event_id: '$question' },
  });
  expect(bodies()[2]).toBe('Nothing was done: did you mean: approve aa');
  await end();
  home.manners.redeliver = 4;
  start();
  home.say(recent(said('work', 'run demo staging: fix the door')));
  await expect.poll(commands, soon).toMatchObject([{ kind: 'submit', evidence: '$work' }]);
  expect(bodies()).toHaveLength(3);
});

test('what a task’s tool asks is answered by a tap, and its message says so', async () => {
  const { home, start, bodies, commands, journals } = await begin();
  const question = makeQuestion({ deadline: new Date(Date.now() + 600_000).toISOString() });
  await journals.says('question_asked', makeAskingTask(question, { id: 'aa', stage: 'staging' }));
  start();
  await expect.poll(bodies, soon).toEqual([expect.stringContaining('The task asks you something: aa.md')]);
  home.say(recent(reaction('tap', '2️⃣', home.posted[0]?.event_id.slice(1) ?? '')));
  const subject = { task: 'aa', question: question.id, answer: 'blue' };
  await expect.poll(commands, soon).toMatchObject([{ kind: 'answer', evidence: '$tap', subject }]);
  const command = commands()[0]?.id ?? '';
  const data = { command, kind: 'answer', channel: 'matrix', user: operator, evidence: '$tap' };
  await journals.append(null, { event: 'command_accepted', task_id: 'aa', summary: 'aa is told', data });
  const at = new Date().toISOString();
  const answer = {
    outcome: 'answered' as const,
    text: 'blue',
    channel: 'matrix' as const,
    user: operator,
    command,
    at,
  };
  await journals.says('question_ended', makeAskingTask({ ...question, answer }, { id: 'aa', stage: 'staging' }));
  await expect.poll(() => Object.values(home.edited), soon).toEqual(['💬 Answered: aa.md']);
  expect(bodies()).toHaveLength(1);
});

test('a stage that the room has no say in is shown with what to do instead', async () => {
  const { start, ask, bodies } = await begin();
  await ask('aa', 'prod');
  start();
  await expect.poll(bodies, soon).toEqual([expect.stringContaining('scripts/countersign approve aa')]);
});

test('what is ready is posted, merged by a typed word alone, and its end told in its thread', async () => {
  const { home, start, finish, bodies, commands, journals } = await begin();
  const { record, result } = await finish('aa');
  start();
  await expect.poll(bodies, soon).toEqual([expect.stringContaining(result.digest.slice(0, 8)), 'aa-demo.patch']);
  const root = home.posted[0]?.event_id ?? '';
  expect(home.posted[1]?.content).toMatchObject({
    msgtype: 'm.file',
    url: 'mxc://home.test/file1',
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  });
  for (const sign of ['✅', '❌']) home.say(recent(reaction(`sign-${sign}`, sign, root.slice(1))));
  home.say(recent(said('no', 'merge aa unverified', { sender: stranger })));
  home.say(recent(said('yes', 'Merge aa.md unverified')));
  await expect.poll(bodies, soon).toContainEqual(expect.stringContaining('may not decide here'));
  const subject = { task: 'aa', digest: result.digest, unverified: true };
  await expect.poll(commands, soon).toMatchObject([{ kind: 'merge', evidence: '$yes', subject }]);
  const approval = {
    command: commands()[0]?.id ?? '',
    digest: result.digest,
    channel: 'matrix' as const,
    user: operator,
    evidence: '$yes',
    decided_at: record.state.since,
    unverified: true,
  };
  const about = { since: record.state.since, result };
  await journals.says('merge_started', {
    ...record,
    state: { status: 'merging', wait: null, reason: '', ...about, approval },
  });
  const { verification } = result;
  const done = { status: 'done' as const, reason: 'merged into demo main', ...about, merged: approval, verification };
  await journals.says('merge_ended', { ...record, state: done });
  await expect.poll(bodies, soon).toContainEqual(expect.stringMatching(/^Merged: aa\.md/));
  expect(home.posted.at(-1)?.content['m.relates_to']).toMatchObject({ rel_type: 'm.thread', event_id: root });
});

test('a result of a stage that the room has no say in is shown with what to do instead', async () => {
  const { start, finish, bodies } = await begin();
  await finish('aa', 'prod');
  start();
  await expect
    .poll(bodies, soon)
    .toEqual([expect.stringContaining('scripts/countersign merge aa --digest'), 'aa-demo.patch']);
});

test('after a restart nothing is said or decided again, and nothing that came meanwhile is lost', async () => {
  const { home, start, ask, bodies, commands, journals } = await begin();
  const end = start();
  await ask('aa');
  await expect.poll(bodies, soon).toHaveLength(1);
  home.say(recent(said('one', 'approve aa')));
  await expect.poll(commands, soon).toHaveLength(1);
  await end();
  home.say(recent(said('two', 'reject aa too late')));
  await journals.append(null, { event: 'message', summary: 'good night' });
  home.forgetTransactions();
  start();
  await expect.poll(commands, soon).toHaveLength(2);
  await expect.poll(bodies, soon).toContain('good night');
  expect(bodies()).toHaveLength(2);
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$one', '$two']);
});

test('a message that was posted without an answer is not posted again by the next start', async () => {
  const { home, interference, start, ask, bodies } = await begin();
  interference.now = ({ method, path, body }, response) => {
    const post = postOf(path, body);
    if (method !== 'PUT' || post === null) return false;
    void home.send(post);
    response.destroy();
    return true;
  };
  const end = start();
  await ask('aa');
  await expect.poll(bodies, soon).toHaveLength(1);
  await end();
  home.forgetTransactions();
  interference.now = () => false;
  await ask('bb');
  start();
  await expect.poll(bodies, soon).toHaveLength(2);
  expect(bodies().map((body) => /\b(?:aa|bb)\.md/.exec(body)?.[0])).toEqual(['aa.md', 'bb.md']);
});

const garbage: readonly (readonly [string, Interference])[] = [
  ['429', (_, response) => reply(response, 429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 10 })],
  ['500', (_, response) => reply(response, 500, { errcode: 'M_UNKNOWN', error: 'x' })],
  ['503 of the gateway', (_, response) => reply(response, 503, { errcode: 'COUNTERSIGN_UNREACHABLE', error: 'gone' })],
  ['HTML', (_, response) => reply(response, 200, '<html>')],
  ['null', (_, response) => reply(response, 200, null)],
  ['5 MB', (_, response) => reply(response, 200, 'x'.repeat(listenerLimits.answerBytes + 1))],
  [
    'half of an answer',
    (_, response) => {
      response.writeHead(200, { 'content-length': '50' });
      response.write('{');
      setTimeout(() => response.destroy(), 5);
      return true;
    },
  ],
];

function reply(...args: Parameters<typeof json>): true {
  json(...args);
  return true;
}

test.each(garbage)(
  'A21 A32 a homeserver that answers %s is said and survived, and nothing is lost',
  async (_, interfere) => {
    const { home, interference, start, ask, bodies, commands, health } = await begin();
    start();
    await ask('aa');
    await expect.poll(bodies, soon).toHaveLength(1);
    interference.now = interfere;
    home.say(recent(said('wakes the sync', 'hello')));
    await ask('bb');
    home.say(recent(said('one', 'approve aa')));
    await expect.poll(async () => (await health())?.status, soon).not.toBe('ok');
    expect((await health())?.reason).not.toBe('');
    interference.now = () => false;
    await expect.poll(commands, { timeout: 20_000 }).toMatchObject([{ evidence: '$one' }]);
    await expect.poll(bodies, { timeout: 20_000 }).toHaveLength(2);
    await expect.poll(async () => (await health())?.status, { timeout: 20_000 }).toBe('ok');
  },
  60_000,
);

test('A32 a homeserver that takes no more messages for a while is said, and is asked again when it said', async () => {
  const { interference, start, ask, bodies, health } = await begin();
  const asked: number[] = [];
  interference.now = ({ method }, response) => {
    if (method !== 'PUT') return false;
    asked.push(performance.now());
    return asked.length === 1 && reply(response, 429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 2_500 });
  };
  start();
  await ask('aa');
  await expect.poll(health, soon).toMatchObject({
    status: 'waiting',
    reason: 'messages wait to be posted: the homeserver answered 429 M_LIMIT_EXCEEDED and asks to wait 3 s',
  });
  await expect.poll(bodies, soon).toHaveLength(1);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(2_490);
});

test.each([
  ['a wrong token', 'account/whoami', 401, { errcode: 'M_UNKNOWN_TOKEN' }, 'failing', /does not take the bot's token/],
  ['a token of somebody else', 'account/whoami', 200, { user_id: operator }, 'failing', /belongs to another user/],
  [
    'a token that was softly logged out',
    'account/whoami',
    401,
    { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
    'failing',
    /does not take the bot's token/,
  ],
  ['a room that the bot is not in', 'joined_rooms', 200, { joined_rooms: [] }, 'failing', /knows no room/],
  ['an encrypted room', 'm.room.encryption', 200, {}, 'failing', /is encrypted/],
  [
    'an address that is not in the tailnet',
    '',
    503,
    { errcode: 'COUNTERSIGN_ADDRESS', error: 'has 1.2.3.4' },
    'failing',
    /^has 1\.2\.3\.4$/,
  ],
] as const)(
  'A32 %s is named, and nothing is said until it is mended',
  async (_, end, status, body, severity, reason) => {
    const { interference, start, ask, bodies, health } = await begin();
    interference.now = ({ path }, response) => path.endsWith(end) && reply(response, status, body);
    await ask('aa');
    start();
    await expect.poll(health, soon).toMatchObject({ status: severity, reason: expect.stringMatching(reason) });
    expect(bodies()).toEqual([]);
    interference.now = () => false;
    await expect.poll(bodies, { timeout: 20_000 }).toHaveLength(1);
  },
  40_000,
);

test('before the gateway is there the listener waits, says so, and can be stopped', async () => {
  const { start, health, openDoor, ask, bodies } = await begin({ hasDoor: false });
  await ask('aa');
  const stopped = start();
  await expect
    .poll(health, soon)
    .toMatchObject({ status: 'waiting', reason: expect.stringContaining('the gateway does not answer') });
  await stopped();
  start();
  await openDoor();
  await expect.poll(bodies, { timeout: 20_000 }).toHaveLength(1);
}, 40_000);

test('a decision that the runner is long in answering is said to be kept', async () => {
  const { home, start, ask, bodies, commands } = await begin();
  let late = 0;
  start(() => Date.now() + late);
  await ask('aa');
  await expect.poll(bodies, soon).toHaveLength(1);
  home.say(recent(said('one', 'approve aa')));
  await expect.poll(commands, soon).toHaveLength(1);
  late = listenerLimits.verdictPatienceMs + 1;
  await expect.poll(bodies, soon).toContainEqual(expect.stringMatching(/^Kept: /));
});

test('a first start with more than may wait to be sent asks for all of it', async () => {
  const { start, ask, bodies } = await begin();
  const many = listenerLimits.outgoing + 5;
  for (let index = 0; index < many; index += 1) await ask(`t${index}`);
  start();
  await expect.poll(bodies, { timeout: 30_000 }).toHaveLength(many);
}, 60_000);
