import type { ServerResponse } from 'node:http';
import { listenerLimits } from '@countersign/matrix-listener/src/limits.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { editOf, reaction, replyTo, requestedTask, text } from '../support/listener-content.ts';
import { ListenerHome, operatorId } from '../support/listener-home.ts';
import {
  botId,
  json,
  type Misdeed,
  type Posted,
  pinnedRoom,
  ScriptedHomeserver,
  type Told,
} from '../support/listener-homeserver.ts';
import { RunnerDouble } from '../support/listener-runner.ts';
import { until } from '../support/listener-wait.ts';

const token = 'syt_Ym90_tokenOfTheScriptedServer_0000';
const mib = 1024 ** 2;
const memoryLimit = 150 * mib;

let homeserver: ScriptedHomeserver;
let home: ListenerHome;
let runner: RunnerDouble;
/** The event that asks for `target`, which nobody but a test of something else decides on. */
let gate: string;
let number = 0;

beforeAll(async () => {
  homeserver = await ScriptedHomeserver.start();
  home = await ListenerHome.make();
  runner = await RunnerDouble.start(home);
  await home.writeHosts(homeserver.url);
  await home.writeBot({ user: botId, token, room: pinnedRoom });
  home.gateway.start();
  home.listener.start();
  await home.listener.says('ok');
  gate = await asksFor('target');
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await runner[Symbol.asyncDispose]();
  await homeserver[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(home.listener.isRunning).toBe(true);
  expect((await home.listener.memory()).peak).toBeLessThan(memoryLimit);
  expect(await home.said()).not.toContain(token);
});

/** Asks for an approval, and waits until the room has shown it. */
async function asksFor(task: string): Promise<string> {
  await runner.ask(task);
  const { event_id } = await homeserver.receives(({ content }) => requestedTask(content) === task);
  await until(
    'it was shown',
    async () => (await home.kept())?.gates.some(({ event, seen }) => event === event_id && seen !== null) ?? false,
  );
  return event_id;
}

/** What was decided by what is told now, as `<kind> <task>`; a decision behind it shows that all of it was dealt with. */
async function decisionsFrom(...events: readonly Told[]): Promise<string[]> {
  const before = new Set((await home.spooled()).map(({ command }) => command.id));
  const last = homeserver.event(replyTo(gate, 'reject'));
  homeserver.tell(...events, last);
  const spooled = await until(
    'what was told is dealt with',
    async () => {
      const all = (await home.spooled()).map(({ command }) => command);
      return all.some(({ evidence }) => evidence === last.event_id) ? all : null;
    },
    { instead: () => Promise.resolve(home.listener.printed.slice(-4_000)) },
  );
  const ours = spooled.filter(({ id, evidence }) => !before.has(id) && evidence !== last.event_id);
  return ours.map(({ kind, subject }) => `${kind} ${'task' in subject ? subject.task : ''}`);
}

/** Whatever the server does meanwhile: what was asked is in the room once, and what was decided is a command. */
async function losesNothing(
  routes: readonly string[],
  times: number,
  act: Misdeed,
  status: 'waiting' | 'failing',
  words: string[],
) {
  number += 1;
  const [asked, decided] = [`asked-${number}`, `decided-${number}`];
  const request = await asksFor(decided);
  const misbehaved = homeserver.misbehave(routes, times, act);
  const said = home.listener.says(status, words);
  await runner.ask(asked);
  homeserver.tell(homeserver.event(reaction(request, '✅'), { type: 'm.reaction' }));
  await Promise.all([misbehaved, said]);
  const isRequest = ({ content }: Posted) => requestedTask(content) === asked;
  await homeserver.receives(isRequest);
  const found = await until('the decision is a command', async () => {
    const ours = (await home.spooled()).filter(
      ({ command }) => 'task' in command.subject && command.subject.task === decided,
    );
    return ours.length > 0 ? ours : null;
  });
  expect(found.map(({ command }) => command.kind)).toEqual(['approve']);
  expect(homeserver.sent.filter(isRequest)).toHaveLength(1);
  await home.listener.says('ok');
}

function raw(status: number, type: string, body: string | Uint8Array): Misdeed {
  return (response) => response.writeHead(status, { 'content-type': type }).end(body);
}

function write(response: ServerResponse, piece: string, total: number): void {
  let left = total;
  const more = () => {
    while (left > 0) {
      left -= piece.length;
      if (!response.write(piece)) return response.once('drain', more);
    }
    response.end();
  };
  response.on('error', () => undefined);
  more();
}

const answers: [string, Misdeed, string[]][] = [
  [
    '429 and when to come back',
    (response) => json(response, 429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 700 }),
    ['429'],
  ],
  [
    '429 and a header',
    (response) => json(response, 429, { errcode: 'M_LIMIT_EXCEEDED' }, { 'retry-after': '1' }),
    ['429'],
  ],
  ['429 without a word', raw(429, 'text/plain', ''), ['429']],
  [
    '429 and nonsense',
    (response) => json(response, 429, { errcode: 7, retry_after_ms: 'soon' }, { 'retry-after': 'never' }),
    ['429'],
  ],
  ['500', (response) => json(response, 500, { errcode: 'M_UNKNOWN', error: 'Internal server error' }), ['500']],
  ['502 and a page of HTML', raw(502, 'text/html', '<h1>Bad Gateway</h1>'), ['502']],
  ['400 of somebody between', raw(400, 'text/html', '<h1>Bad Request</h1>'), ['400']],
  ['404 of somebody between', raw(404, 'text/html', '<h1>Not Found</h1>'), ['404']],
  ['200 and a page of HTML', raw(200, 'text/html', '<html>Welcome to the hotel’s network</html>'), ['not the JSON']],
  ['200 and bytes', raw(200, 'application/json', new Uint8Array(4_096).fill(0xff)), ['not the JSON']],
  ['200 and half of it', raw(200, 'application/json', '{"next_batch":"s1","rooms":{'), ['not the JSON']],
  ['200 and nothing', raw(200, 'application/json', ''), ['not the JSON']],
  ['200 and null', raw(200, 'application/json', 'null'), ['not that of a Matrix server']],
  ['200 and a list', raw(200, 'application/json', '[]'), ['not that of a Matrix server']],
  [
    '200 and another shape',
    raw(200, 'application/json', '{"next_batch":7,"rooms":[],"event_id":{}}'),
    ['not that of a Matrix server'],
  ],
  ['200 and a hundred thousand brackets', raw(200, 'application/json', '['.repeat(100_000)), ['not the JSON']],
  [
    '301 to somewhere else',
    (response) => response.writeHead(301, { location: 'http://127.0.0.1:1/' }).end(),
    ['redirects are not followed'],
  ],
  ['a connection that is cut', (response) => response.destroy(), ['does not answer']],
];

describe('F a server that answers with', () => {
  test.each(answers)('%s', (_what, act, words) => losesNothing(['/sync', '/send/'], 2, act, 'waiting', words));

  test.each([
    [
      '100 MB that it announces',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 * mib });
        write(response, ' '.repeat(mib), 100 * mib);
      },
    ],
    ['100 MB that it does not announce', (response: ServerResponse) => write(response, ' '.repeat(mib), 100 * mib)],
    [
      '4 MB of nothing but brackets',
      raw(200, 'application/json', `{"next_batch":"s1","rooms":[${'[],'.repeat(1.3 * mib)}[]]}`),
    ],
    [
      'an answer without an end',
      (response: ServerResponse) => write(response, '{"a":'.repeat(10_000), Number.POSITIVE_INFINITY),
    ],
  ] as const)('A21 %s', (_what, act) => losesNothing(['/sync'], 2, act, 'waiting', ['the homeserver']));

  test('A21 another user for the token, after a failure', () => {
    const another: Misdeed = (response, { url }) =>
      url?.includes('/whoami') ? json(response, 200, { user_id: operatorId }) : json(response, 500, {});
    return losesNothing(['/whoami', '/sync'], 2, another, 'failing', ['belongs to another user']);
  });
});

const other = '!other:countersign.local';

/** A decision on `target` in all but one thing. */
function approve(change: object = {}, content: object = {}): Told {
  return homeserver.event(text('approve target', { ...content }), change);
}

describe('A21 what a server may tell, and no homeserver would', () => {
  test('the control: the same, as a homeserver tells it', async () => {
    expect(await decisionsFrom(approve(), homeserver.event(reaction(gate, '❌'), { type: 'm.reaction' }))).toEqual([
      'approve target',
      'reject target',
    ]);
  });

  test.each<[string, () => Told[]]>([
    ['senders that are none', () => [7, null, {}, [operatorId], '', undefined].map((sender) => approve({ sender }))],
    [
      'A02 senders that are almost the operator',
      () =>
        [
          `${operatorId} `,
          ` ${operatorId}`,
          `${operatorId}.`,
          `${operatorId}\0`,
          `${operatorId}\n`,
          `${operatorId}:8448`,
          `${operatorId}.evil.example`,
          '@operator:evil.example',
          '@Operator:countersign.local',
          '@operator:Countersign.local',
          '@\u043eperator:countersign.local',
          '@operator\u200b:countersign.local',
          'operator:countersign.local',
          '@operator',
        ].map((sender) => approve({ sender })),
    ],
    [
      'A18 events of another room',
      () => [approve({ room_id: other }), approve({ room_id: 7 }), approve({ room_id: [pinnedRoom] })],
    ],
    ['a state', () => [approve({ state_key: '' }), approve({ state_key: operatorId }), approve({ state_key: 7 })]],
    ['no event at all', () => [null, 7, 'approve target', [], {}, [approve()], { content: text('approve target') }]],
    [
      'ids that are none',
      () => [7, null, '', 'no-dollar', '$', `$${'x'.repeat(100_000)}`, ['$x']].map((event_id) => approve({ event_id })),
    ],
    [
      'types that are none',
      () => [7, null, ['m.room.message'], 'm.room.message ', 'M.ROOM.MESSAGE'].map((type) => approve({ type })),
    ],
    [
      'contents that are none',
      () => [null, 7, 'approve target', ['approve target'], undefined].map((content) => approve({ content })),
    ],
    [
      'kinds of message that are none',
      () => [null, 7, ['m.text'], { a: 'm.text' }].map((msgtype) => approve({}, { msgtype })),
    ],
    [
      'words that are none',
      () => [null, 7, ['approve target'], { body: 'approve target' }].map((body) => approve({}, { body })),
    ],
    [
      'relations that are none',
      () =>
        [7, 'm.replace', [], { rel_type: 7 }, { event_id: 7 }].map((relation) =>
          approve({}, { 'm.relates_to': relation }),
        ),
    ],
    ['A10 an edit of what nobody has sent', () => [homeserver.event(editOf('$unsent', 'approve target'))]],
    ['A11 what it says was taken back', () => [approve({ unsigned: { redacted_because: {} } })]],
    [
      'times long ago',
      () => [0, -1, -(2 ** 53), Date.now() - 25 * 3_600_000].map((time) => approve({ origin_server_ts: time })),
    ],
    ['a sign in another room', () => [homeserver.event(reaction(gate, '✅'), { type: 'm.reaction', room_id: other })]],
  ])('%s', async (_what, events) => {
    expect(await decisionsFrom(...events())).toEqual([]);
  });

  test('A09 an event that is told again with another content: the first one stands', async () => {
    const hello = homeserver.event(text('hello'));
    const no = homeserver.event(text('reject target'));
    const again = (event: object) => ({ ...event, content: text('approve target') });
    expect(await decisionsFrom(hello, again(hello), no, again(no))).toEqual(['reject target']);
    expect(await decisionsFrom(again(hello), again(no), no)).toEqual([]);
  });

  test('A09 a gap without an end is left, and gone through when it has one', async () => {
    const endless: Misdeed = (response) => json(response, 200, { chunk: [], end: crypto.randomUUID() });
    const misbehaved = homeserver.misbehave(['/messages'], listenerLimits.gapPages, endless);
    const said = home.listener.says('waiting', ['is not gone through']);
    const talk = Array.from({ length: 60 }, () => homeserver.event(text('just talk')));
    expect(await decisionsFrom(approve(), ...talk)).toEqual(['approve target']);
    await Promise.all([misbehaved, said]);
  });

  test('A33 10,000 events in one answer: what it may not send is not taken, and nothing of it is lost', async () => {
    const events = Array.from({ length: 10_000 }, (_, index) =>
      index % 1_000 === 500 ? approve() : homeserver.event(text('talk')),
    );
    const page = JSON.stringify({ next_batch: 's1', rooms: { join: { [pinnedRoom]: { timeline: { events } } } } });
    expect(page.length).toBeLessThan(4 * mib);
    const misbehaved = homeserver.misbehave(['/sync'], 2, raw(200, 'application/json', page));
    await misbehaved;
    await home.listener.says('ok');
    expect(await decisionsFrom(...events)).toEqual(Array.from({ length: 10 }, () => 'approve target'));
  });
});
