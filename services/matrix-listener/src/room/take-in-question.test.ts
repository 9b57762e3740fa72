import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { withMark } from '../message/mark.ts';
import { messageKey } from '../state/key.ts';
import { StateFile } from '../state/state-file.ts';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { Random } from '../testing/random.ts';
import { bot, edit, operator, redaction, room, said, stranger } from '../testing/room-events.ts';
import { commandIdOf } from './command-id.ts';
import { submittedName } from './read-run.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });

test('a question has one answer, in a thread that it begins, and no command', async () => {
  const { takeIn, messages, commands, state, folder } = await startListening([gate]);
  await takeIn([said('e', 'Status')], { since: 's1' });
  expect(messages()).toMatchObject([
    {
      msgtype: 'm.notice',
      'm.mentions': {},
      'm.relates_to': { rel_type: 'm.thread', event_id: '$e', 'm.in_reply_to': { event_id: '$e' } },
    },
  ]);
  expect(messages()[0]).not.toHaveProperty(['m.relates_to', 'is_falling_back']);
  expect(commands()).toEqual([]);
  const kept = (await StateFile.open(folder, room, bot)).now;
  expect(kept).toEqual(state.now);
  expect(kept).toMatchObject({
    handled: ['$e'],
    issued: [],
    outgoing: [{ key: messageKey('answer', '$e'), request: null }],
  });
});

test('A22 told again, as a whole or from any place on, and after a restart, it has that one', async () => {
  const first = await startListening([gate]);
  const events = [said('a', 'status'), said('b', 'stauts'), said('c', 'show gated'), said('d', 'run demo: x')];
  await first.takeIn(events, { since: 's4' });
  const before = first.messages().length;
  expect(before).toBe(3);
  for (let from = 0; from <= events.length; from += 1) await first.takeIn(events.slice(from), { since: 's4' });
  const second = await startListening([], first.folder);
  await second.takeIn(events, { since: 's5' });
  expect(second.messages()).toHaveLength(before);
  expect([first.commands().length, second.commands().length]).toEqual([1, 0]);
});

test('an answer that cannot be kept is made anew when the question comes again, once', async () => {
  const { takeIn, disk, messages } = await startListening();
  disk.fails = (path) => path.endsWith('state.json');
  await expect(takeIn([said('a', 'help')], { since: 's1' })).rejects.toThrow('ENOSPC');
  expect(messages()).toEqual([]);
  disk.fails = () => false;
  await takeIn([said('a', 'help')], { since: 's1' });
  await takeIn([said('a', 'help')], { since: 's1' });
  expect(messages()).toHaveLength(1);
});

test('A10 A11 what is taken back or edited in the same batch is not answered, nor what the bot says itself', async () => {
  const { hear, messages, state } = await startListening();
  await hear(said('a', 'status'), redaction('r', 'a'));
  await hear(said('b', 'status'), edit('c', 'help', 'b'));
  await hear(said('d', 'status'));
  const [own] = state.now.outgoing;
  if (own === undefined) throw new Error('there is an answer');
  await hear(
    said('echo', '', { sender: bot, content: { ...withMark(own).content, body: 'status', msgtype: 'm.text' } }),
  );
  expect(state.now).toMatchObject({ outgoing: [], shown: 0 });
  // An edit of what was answered is answered no more.
  await hear(edit('f', 'help', 'd'));
  expect(messages()).toEqual([]);
});

test('A01 so many questions are answered in a minute, whoever asks; strangers none at all', async () => {
  const { hear, messages, clock, lines } = await startListening();
  const { questionAnswers, questionWindowMs } = listenerLimits;
  const shout = (from: number, sender: string) =>
    Array.from({ length: 40 }, (_, index) => said(`q${from + index}`, index % 2 === 0 ? 'status' : 'hlep', { sender }));
  await hear(...shout(0, stranger));
  expect(messages()).toHaveLength(0);
  await hear(...shout(100, operator));
  expect(messages()).toHaveLength(questionAnswers);
  expect(lines.filter(({ text }) => text.startsWith('too many questions')).length).toBe(40 - questionAnswers);
  clock.elapsed += questionWindowMs;
  // A wall clock that was put back keeps nobody waiting.
  clock.now -= 10 * questionWindowMs;
  await hear(said('later', 'status'));
  expect(messages()).toHaveLength(questionAnswers + 1);
});

test('a task that is dropped by words is one command, under the name that it will be known by', async () => {
  const { hear, commands, state } = await startListening();
  await hear(said('e', 'Run demo staging: fix the door'), said('e', 'run demo: something else'));
  const file = submittedName(commandIdOf('$e'));
  expect(commands()).toMatchObject([
    {
      kind: 'submit',
      actor: { channel: 'matrix', user: operator },
      evidence: '$e',
      subject: { file, content: 'workspace: "demo"\nstage: "staging"\n\nfix the door\n' },
    },
  ]);
  expect(state.now.issued).toMatchObject([{ command: commandIdOf('$e'), answerTo: '$e', stands: 'waiting' }]);
});

const parts = [
  ...['pending', 'status', 'show', 'log', 'diff', 'help', 'Show', 'STATUS'],
  ...['stauts', 'aprove', 'mergee', 'rejct', 'cancl', 'rety', 'paus', 'resme', 'аpprove', 'app\u200brove'],
  ...['gated', 'gatde', 'k7m2p', 'gated.md', '../x', '<b>', '\u202e', '🙂', 'unverified', ':', 'demo:', '>', '`', '*'],
];
test('A02 A05 whatever is asked, and however a command is mistyped, no command is written', async () => {
  const seed = Number(process.env['COUNTERSIGN_TEST_SEED'] ?? 7);
  const random = new Random(seed);
  const { hear, commands, clock, messages } = await startListening([gate]);
  for (let index = 0; index < 150; index += 1) {
    const words = Array.from({ length: 1 + random.below(4) }, () => random.pick(parts) ?? '');
    const body = words.join(random.onceIn(4) ? '  ' : ' ');
    clock.now += listenerLimits.questionWindowMs;
    clock.elapsed += listenerLimits.questionWindowMs;
    await hear(said(`e${index}`, body, { origin_server_ts: clock.now }));
    expect(commands(), `seed ${seed}: ${JSON.stringify(body)}`).toEqual([]);
  }
  expect(messages().length).toBeGreaterThan(20);
}, 60_000);
