import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { editOf, inThread, replyTo } from '../support/listener-content.ts';
import { operatorId } from '../support/listener-home.ts';
import { Sentinel } from '../support/listener-sentinel.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import { until } from '../support/listener-wait.ts';

let stage: ListenerStage;
let sentinel: Sentinel;

beforeAll(async () => {
  stage = await ListenerStage.begin('control');
  sentinel = await Sentinel.post(stage);
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The one command that an event became, judged by the runner as it is told. */
async function judged(evidence: string, refusal: string | null = null) {
  const command = await stage.commandOf(evidence);
  for (const spooled of await stage.home.spooled())
    if (spooled.command.id === command.id) await stage.runner.judge(spooled, refusal);
  return command;
}

/** A task that was asked for and approved by a message or a sign; and the event that did it. */
async function approved(id: string, by: 'word' | 'sign') {
  const { message, view } = await stage.asksFor(id);
  const event =
    by === 'word' ? await stage.phone.say(`approve ${id}`) : await stage.phone.react(message.event_id, '✅');
  const approve = await judged(event);
  await stage.phone.showsAt(message.event_id, ['✅ Approved']);
  return { message, digest: view.digest, event, approve };
}

/** Lets the operator act while the listener is down. */
async function unheard(act: () => Promise<unknown>): Promise<void> {
  await stage.home.listener.kill();
  await act();
  await stage.startListener();
}

async function bodies(): Promise<string[]> {
  return (await stage.phone.received()).map(({ content }) => String(content['body']));
}

describe('cancel', () => {
  test('in reply to a request, by an answer in its thread, or by its name: one command without a digest', async () => {
    const ways: [string, (message: string) => Promise<string>][] = [
      ['by-reply', (message) => stage.sends(replyTo(message, 'cancel wrong branch'))],
      ['by-thread', (message) => stage.sends(inThread(message, 'Cancel wrong branch'))],
      ['by-name', () => stage.phone.say('cancel by-name.md wrong branch')],
      ['by-id', () => stage.phone.say('cancel by-id wrong branch')],
    ];
    for (const [id, say] of ways) {
      const { message } = await stage.asksFor(id);
      const evidence = await say(message.event_id);
      expect(await judged(evidence)).toMatchObject({
        kind: 'cancel',
        subject: { task: id, reason: 'wrong branch' },
        actor: { channel: 'matrix', user: operatorId },
        evidence,
      });
      await stage.phone.signOn(evidence);
      await stage.phone.showsAt(message.event_id, [`🛑 Cancelled: ${id}.md`, 'wrong branch']);
      await stage.phone.receives([`Cancelled: ${id}.md (${id})`, 'wrong branch']);
    }
  });

  test('of a task that the room was never asked about, of prod too; its end is told to whoever asked', async () => {
    await stage.runner.works('quiet', { stage: 'dev', file: 'quiet work.md', dropped_as: 'quiet work.md' });
    await stage.runner.works('live', { stage: 'prod' });
    await until('both are known by their names', async () => {
      const known = (await stage.home.kept())?.tasks.map(({ task }) => task) ?? [];
      return known.includes('quiet') && known.includes('live');
    });
    for (const [words, task] of [
      ['cancel quiet work.md it is late', 'quiet'],
      ['cancel live', 'live'],
    ] as const) {
      const evidence = await stage.phone.say(words);
      expect((await judged(evidence)).subject).toMatchObject({ task });
      const answers = await stage.phone.receives([`Cancelled: `, `(${task})`]);
      expect(answers.content['m.relates_to']).toEqual({ 'm.in_reply_to': { event_id: evidence } });
    }
  });

  test('A13 no sign cancels anything; A08 a quote does not either', async () => {
    const { message } = await stage.asksFor('steady');
    const act = async () => {
      for (const sign of ['🛑', '⏸️', 'cancel']) await stage.phone.react(message.event_id, sign);
      await stage.sends(replyTo(message.event_id, 'thanks', '> cancel steady\n\n'));
      await stage.sends(editOf(await stage.phone.say('hello'), 'cancel steady'));
    };
    expect(await sentinel.decisionsFrom(act)).toEqual([]);
  });

  test('what the runner refuses is told', async () => {
    const evidence = await stage.phone.say('cancel nobody.md');
    expect((await judged(evidence, 'no task "nobody.md" is there')).subject).toMatchObject({ task: 'nobody.md' });
    expect(await stage.phone.answerTo(evidence)).toBe('Refused: no task "nobody.md" is there');
  });
});

test('retry, pause and resume are commands', async () => {
  const said = [];
  for (const words of ['retry quiet', 'pause moving house', 'resume']) said.push(await stage.phone.say(words));
  const commands = [];
  for (const evidence of said) commands.push(await judged(evidence));
  expect(commands.map(({ kind, subject }) => [kind, subject])).toEqual([
    ['retry', { task: 'quiet' }],
    ['pause', { reason: 'moving house' }],
    ['resume', {}],
  ]);
});

describe('A11 an approval whose event is withdrawn before it is spent is taken back', () => {
  const revoked = (task: string, approve: string) => ({ kind: 'revoke', subject: { task, command: approve } });

  test.each(['word', 'sign'] as const)(
    'given by a %s and deleted: once, told, and asked for no second time',
    async (by) => {
      const id = `undo-${by}`;
      const { message, event, approve, digest } = await approved(id, by);
      const commands = await sentinel.decisionsFrom(() => stage.redacts(event));
      expect(commands).toMatchObject([{ ...revoked(id, approve.id), actor: { channel: 'matrix', user: operatorId } }]);
      await judged(commands[0]?.evidence ?? '');
      await stage.phone.receives([`Accepted: ${id} (${id}.md) is waiting again`]);
      const again = await judged(await stage.phone.say(`approve ${id}`));
      expect(again).toMatchObject({ kind: 'approve', subject: { task: id, digest } });
      expect((await bodies()).filter((body) => body.includes(`digest: ${digest.slice(0, 8)}`))).toHaveLength(1);
      expect(message.event_id).not.toBe(event);
    },
  );

  test('A10 edited by who gave it, into whatever', async () => {
    const { event, approve } = await approved('undo-edit', 'word');
    const commands = await sentinel.decisionsFrom(() => stage.sends(editOf(event, 'never mind')));
    expect(commands).toMatchObject([revoked('undo-edit', approve.id)]);
    await judged(commands[0]?.evidence ?? '', 'it is running: no approval of it waits to be spent');
    await stage.phone.receives(['Refused: it is running: no approval of it waits to be spent']);
  });

  test('while the listener was down: once', async () => {
    const { event, approve } = await approved('undo-later', 'sign');
    expect(await sentinel.decisionsFrom(() => unheard(() => stage.redacts(event)))).toMatchObject([
      revoked('undo-later', approve.id),
    ]);
    expect(await sentinel.decisionsFrom(() => unheard(() => Promise.resolve()))).toEqual([]);
  });

  test('before it was heard: nothing is signed', async () => {
    await stage.asksFor('undo-early');
    const act = () => unheard(async () => stage.redacts(await stage.phone.say('approve undo-early')));
    expect(await sentinel.decisionsFrom(act)).toEqual([]);
  });

  test('approved work that is rejected after all is rejected, by the digest that was approved', async () => {
    const { digest } = await approved('over', 'word');
    const reject = await judged(await stage.phone.say('reject over changed my mind'));
    expect(reject).toMatchObject({ kind: 'reject', subject: { task: 'over', digest, reason: 'changed my mind' } });
  });
});

describe('the room is told', () => {
  test('what holds up a task that it was asked about, in its thread, and of each kind once', async () => {
    const { message } = await approved('held', 'word');
    await stage.runner.waits('held', 'disk', 'waits for room on the disk: less than 2048 MB are free');
    const told = await stage.phone.receives(['Waiting: held.md (held) waits for room on the disk: less than 2048 MB']);
    expect(told.content).toMatchObject({ msgtype: 'm.notice', 'm.mentions': {} });
    expect(told.content['m.relates_to']).toMatchObject({ rel_type: 'm.thread', event_id: message.event_id });
    await stage.runner.waits('held', 'turn', 'waits for its turn');
    await stage.runner.waits('held', 'disk', 'waits for room on the disk: less than 2048 MB are free');
    await stage.runner.waits('held', 'model', 'no server answers');
    await stage.phone.receives(['Waiting: held.md (held) waits for the model server: no server answers']);
    expect((await bodies()).filter((body) => body.startsWith('Waiting: held.md'))).toHaveLength(2);
  });

  test('that the queue is paused, and that a breaker opens and closes', async () => {
    const breaker = { workspace: 'demo', tool: 'agent', error_class: 'tool_failed', failures: 3 };
    await stage.runner.says('queue_paused', 'the queue is paused, as ada decided: <b>disk</b>', { by: 'ada' });
    await stage.runner.says('breaker_opened', 'agent failed 3 times in a row in demo', breaker);
    await stage.runner.says('breaker_opened', 'agent failed 4 times in a row in demo', breaker);
    await stage.runner.says('breaker_closed', 'agent goes again in demo', breaker);
    await stage.phone.receives(['Breaker closed: agent goes again in demo']);
    const said = (await bodies()).filter((body) => body.startsWith('The queue') || body.startsWith('Breaker'));
    expect(said).toEqual([
      'The queue is paused, as ada decided: <b>disk</b>',
      'Breaker opened: agent failed 3 times in a row in demo',
      'Breaker closed: agent goes again in demo',
    ]);
  });
});
