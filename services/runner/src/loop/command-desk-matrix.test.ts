import type { Command, UnsignedCommand } from '@countersign/contracts/command.ts';
import { expect, test } from 'vitest';
import { Intake } from '../queue/intake.ts';
import { FileObserver } from '../queue/observe.ts';
import { beginDesk, dieAfterVerdict } from '../testing/desk-ground.ts';
import { filesIn, openContext } from '../testing/home.ts';
import { digest, states } from '../testing/record.ts';

const actor = { channel: 'matrix', user: '@op:x' } as const;
const evidence = '$event:x';

type Changes = Partial<Pick<UnsignedCommand, 'id' | 'actor' | 'expires_at'>>;

/** A desk and an operator who answers in the room. */
async function begin(stage?: string) {
  const ground = await beginDesk(states.pending, stage);
  const { sign } = ground;
  return {
    ...ground,
    decide: (changes: Changes = {}, about = digest, signer?: 'shell' | 'matrix'): Command =>
      sign({ kind: 'approve', subject: { task: 'abcde', digest: about }, actor, evidence, ...changes }, signer),
    reject: (): Command =>
      sign({ kind: 'reject', subject: { task: 'abcde', digest, reason: 'not now' }, actor, evidence }),
  };
}

test('an approval in the room approves, with the event as its evidence', async () => {
  const { decide, deliver, turn, state, verdicts, record } = await begin();
  const command = decide();
  deliver(command, 'matrix');
  await turn();
  expect(state()).toBe('approved');
  expect(verdicts()).toMatchObject([
    {
      event: 'command_accepted',
      task_id: record.id,
      data: { command: command.id, kind: 'approve', channel: 'matrix', user: '@op:x', evidence },
    },
  ]);
});

test.each(['decide', 'reject'] as const)(
  'A09 %s counts once, delivered twice, and again after a restart',
  async (kind) => {
    const ground = await begin();
    const command = ground[kind]();
    ground.deliver(command, 'matrix');
    ground.deliver(command, 'matrix');
    await ground.turn();
    await ground.restart();
    ground.deliver(command, 'matrix');
    await ground.turn();
    expect(ground.verdicts().map(({ event }) => event)).toEqual(['command_accepted']);
    expect(ground.taskEvents().slice(2)).toEqual([kind === 'decide' ? 'task_approved' : 'task_rejected']);
  },
);

test.each(['decide', 'reject'] as const)(
  '%s takes effect once when the runner dies after its verdict',
  async (kind) => {
    const ground = await begin();
    await dieAfterVerdict(ground, ground[kind](), 'matrix');
    expect(ground.taskEvents().slice(2)).toEqual([]);
    await ground.restart();
    await ground.turn();
    expect(ground.verdicts()).toHaveLength(1);
    expect(ground.taskEvents().slice(2)).toEqual([kind === 'decide' ? 'task_approved' : 'task_rejected']);
  },
);

type Ground = Awaited<ReturnType<typeof begin>>;
const refusals: [string, string, (ground: Ground) => Command, RegExp][] = [
  ['A23 an expired one', 'staging', ({ decide }) => decide({ expires_at: '2026-11-20T09:59:59.999Z' }), /expired at/],
  ['A22 one of an old digest', 'staging', ({ decide }) => decide({}, 'e'.repeat(64)), /look at it again/],
  [
    'A01 one of somebody who is not listed',
    'staging',
    ({ decide }) => decide({ actor: { ...actor, user: '@op:y' } }),
    /^@op:y may not decide on stage staging by matrix; configs\/stages\.yaml lists who may$/,
  ],
  ['one on a stage that does not list the channel', 'dev', ({ decide }) => decide(), /on stage dev by matrix/],
  [
    'A31 one on prod',
    'prod',
    ({ decide }) => decide(),
    /at the machine itself.*one-time code: scripts\/countersign show abcde, then scripts\/countersign approve, merge, rebase or reject abcde/,
  ],
];
test.each(refusals)('%s is refused, and whoever said it can be answered', async (_name, stage, make, reason) => {
  const ground = await begin(stage);
  const command = make(ground);
  ground.deliver(command, 'matrix');
  await ground.turn();
  await ground.restart();
  ground.deliver(command, 'matrix');
  await ground.turn();
  expect(ground.state()).toBe('pending');
  expect(ground.verdicts()).toMatchObject([
    {
      event: 'command_refused',
      summary: expect.stringMatching(reason),
      data: { command: command.id, channel: 'matrix', user: command.actor.user, evidence },
    },
  ]);
});

const shell = { channel: 'shell', user: 'root' } as const;
test.each<[string, (ground: Ground) => Command]>([
  ['signed by another channel’s key', ({ decide }) => decide({}, digest, 'shell')],
  ['that says it is another channel’s', ({ decide }) => decide({ actor: shell }, digest, 'matrix')],
  ['of another channel, whole', ({ decide }) => decide({ actor: shell })],
  ['with a changed signer', ({ decide }) => ({ ...decide(), actor: { ...actor, user: '@else:x' } })],
])('A29 a command %s is refused, and nothing that it says is repeated', async (_name, make) => {
  const ground = await begin();
  const { deliver, turn, state, verdicts } = ground;
  const foreign = make(ground);
  deliver(foreign, 'matrix');
  await turn();
  await ground.restart();
  expect(state()).toBe('pending');
  expect(verdicts()).toMatchObject([{ event: 'command_refused' }]);
  expect(verdicts()[0]?.data).toEqual({ command: foreign.id });
  // Whose id it was can still use it.
  deliver(ground.decide({ id: foreign.id }), 'matrix');
  await turn();
  expect(state()).toBe('approved');
});

test('A22 another command under an id that was decided does nothing, now and after a restart', async () => {
  const ground = await begin();
  const approval = ground.decide();
  ground.deliver(approval, 'matrix');
  await ground.turn();
  const other = ground.sign({
    ...{ kind: 'reject', subject: { task: 'abcde', reason: 'changed my mind' } },
    id: approval.id,
    actor,
    evidence,
  });
  for (const again of [ground.turn, ground.restart]) {
    ground.deliver(other, 'matrix');
    await again();
    await ground.turn();
    expect(ground.state()).toBe('approved');
  }
  expect(ground.verdicts()).toHaveLength(1);
});

test.each([
  { kind: 'clean', subject: { older_than_days: 0 } },
  { kind: 'send', subject: { text: 'hello' } },
] as const)('the room may decide, and not $kind', async (request) => {
  const ground = await begin();
  ground.deliver(ground.sign({ ...request, actor, evidence }), 'matrix');
  await ground.turn();
  expect(ground.verdicts()).toMatchObject([
    { event: 'command_refused', summary: `${request.kind} is not taken from matrix`, data: { evidence } },
  ]);
});

/** What the room submitted, after the desk and the inbox have dealt with it. */
async function submitted(content: string, changes: Changes = {}) {
  const ground = await begin();
  const { sign, deliver, turn, layout, clock, record } = ground;
  const command = sign({ kind: 'submit', subject: { file: 'room.md', content }, actor, evidence, ...changes });
  deliver(command, 'matrix');
  deliver(command, 'matrix');
  await turn();
  await ground.restart();
  deliver(command, 'matrix');
  await turn();
  const context = await openContext(ground, clock);
  await new Intake(context, new FileObserver(0)).scan();
  const tasks = [...context.tasks.all()].filter(({ id }) => id !== record.id);
  return { ...ground, tasks, refused: filesIn(layout, 'outbox/invalid') };
}

test.each(['staging', 'prod'])('A05 what the room drops for %s is one task, and waits for its gate', async (stage) => {
  const { tasks, verdicts, sign, deliver, restart, turn, stateOf } = await submitted(
    `workspace: "project"\nstage: "${stage}"\n\nsay hello\n`,
  );
  expect(verdicts()).toMatchObject([{ event: 'command_accepted', summary: 'room.md is in the inbox' }]);
  expect(tasks).toMatchObject([{ stage, gate: true, tool: 'agent', state: { status: 'queued' } }]);
  // Nor does the room approve what it was not asked about yet.
  const id = tasks[0]?.id ?? '';
  await restart();
  deliver(sign({ kind: 'approve', subject: { task: id, digest }, actor, evidence }), 'matrix');
  await turn();
  expect(verdicts().map(({ event }) => event)).toEqual(['command_accepted', 'command_refused']);
  expect(stateOf(id)).toBe('queued');
});

test.each<[string, string, Changes, RegExp]>([
  ['of a stage without a gate', 'workspace: project\n\nsay hello\n', {}, /begins without an approval/],
  [
    'of somebody who is not listed',
    'workspace: project\nstage: staging\n\nx\n',
    { actor: { ...actor, user: '@op:y' } },
    /@op:y may not decide by matrix/,
  ],
  ['for no workspace', 'workspace: nowhere\nstage: staging\n\nx\n', {}, /^workspace: /],
  ['whose words hold keys', 'workspace: project\nstage: staging\n\nstage: dev\n', {}, /^room\.md:\d+: /],
  ['that is no task file', 'hello\n', {}, /^room\.md:1: /],
])(
  'a task from the room %s is refused by its verdict, and no file is dropped',
  async (_name, content, changes, reason) => {
    const { tasks, verdicts, refused, layout } = await submitted(content, changes);
    expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringMatching(reason) }]);
    expect([tasks, refused, filesIn(layout, 'inbox')]).toEqual([[], [], []]);
  },
);
