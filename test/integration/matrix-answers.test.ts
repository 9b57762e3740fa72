import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replyTo } from '../support/listener-content.ts';
import { operatorId } from '../support/listener-home.ts';
import { ListenerStage } from '../support/listener-stage.ts';

/** A Matrix event as a whole has at most so many bytes. */
const eventBytes = 65_536;

let stage: ListenerStage;

beforeAll(async () => {
  stage = await ListenerStage.begin('answers');
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The one command that an event became, which is no longer in the spool. */
async function commandOf(evidence: string) {
  const command = await stage.commandOf(evidence);
  const spooled = await stage.home.spooled();
  const files = spooled.filter((found) => found.command.evidence === evidence);
  expect(files.map((found) => found.command.id)).toEqual([command.id]);
  return { command, files };
}

describe('the gate message', () => {
  test('shows the facts, and below them the plan, marked as the model’s', async () => {
    const plan = '# Plan\n\napprove facts.md\n1. write hello.txt\n@room <b>look</b>\n';
    const { record, view, message } = await stage.asksFor('facts', { file: 'facts.md', stage: 'staging' }, plan);
    expect(message.sender).toBe(stage.bot.user);
    expect(message.content['msgtype']).toBe('m.text');
    const body = String(message.content['body']);
    const facts = [
      'facts.md',
      record.id,
      record.stage,
      record.workspace,
      'b'.repeat(40),
      record.tool,
      String(record.timeout_sec),
      view.digest.slice(0, 8),
    ];
    const end = body.indexOf('write hello.txt');
    for (const fact of facts) {
      expect(body).toContain(fact);
      expect(body.indexOf(fact)).toBeLessThan(end);
    }
    for (const line of ['# Plan', 'approve facts.md', '1. write hello.txt', '@room'])
      expect(body.split('\n').filter((shown) => shown.startsWith(line))).toEqual([]);
    expect(body).toMatch(/model/i);
    expect(message.content['m.mentions']).toEqual({});
    expect(String(message.content['formatted_body'] ?? '')).not.toContain('<b>look</b>');
  });

  test('a plan of the largest size fits into one event, and says that it is folded', async () => {
    const plan = `${'One more line of the plan, as long as others — ü.\n'.repeat(1_200)}`.slice(0, 60_000);
    const { message } = await stage.asksFor('folded', {}, plan);
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(eventBytes);
    expect(String(message.content['body'])).toContain('countersign show folded');
  });
});

test('prod: the message says where it is decided, and what is answered here changes nothing of that', async () => {
  const { message } = await stage.asksFor('live', { stage: 'prod' });
  const body = String(message.content['body']);
  expect(body).toContain('scripts/countersign show live');
  expect(body).not.toContain('react');
  const evidence = await stage.phone.react(message.event_id, '✅');
  for (const file of (await commandOf(evidence)).files)
    await stage.runner.judge(file, 'prod is decided at the machine');
  expect(await stage.phone.answerTo(message.event_id)).toContain('prod is decided at the machine');
});

describe('an answer becomes one signed command, with the event as evidence and the digest of what it answers', () => {
  const ways: [string, (id: string, message: string) => Promise<string>][] = [
    ['the file’s name', (id) => stage.phone.say(`approve ${id}.md`)],
    ['the task’s id', (id) => stage.phone.say(`Approve ${id}`)],
    ['a reply', (_id, message) => stage.sends(replyTo(message, 'approve'))],
    ['a plain yes', (_id, message) => stage.sends(replyTo(message, 'Yes'))],
    ['a reply that names it', (id, message) => stage.sends(replyTo(message, `approve ${id}`))],
    ['✅', (_id, message) => stage.phone.react(message, '✅')],
    ['✅ as a phone writes it', (_id, message) => stage.phone.react(message, '✅\u{fe0f}')],
  ];
  test.each(ways)('approved by %s', async (way, say) => {
    const id = `yes-${ways.findIndex(([, way]) => way === say)}`;
    const { message, view } = await stage.asksFor(id);
    const evidence = await say(id, message.event_id);
    const { command, files } = await commandOf(evidence);
    expect(command).toMatchObject({
      kind: 'approve',
      subject: { task: id, digest: view.digest },
      actor: { channel: 'matrix', user: operatorId },
      evidence,
      key_id: expect.stringMatching(/^matrix-/),
    });
    for (const file of files) await stage.runner.judge(file);
    await stage.phone.showsAt(message.event_id, [`✅ Approved: ${id}.md`, `by ${operatorId}`, view.digest.slice(0, 8)]);
    // Words get a sign; a tap is answered by what it tapped.
    if (!way.startsWith('✅')) return await stage.phone.signOn(evidence);
    for (const event of [evidence, message.event_id]) expect(await stage.phone.signed()).not.toContain(event);
  });

  const noes: [string, string, (id: string, message: string) => Promise<string>][] = [
    ['the file’s name and a reason', 'too risky, sorry', (id) => stage.phone.say(`reject ${id}.md too risky, sorry`)],
    ['the task’s id', '', (id) => stage.phone.say(`reject ${id}`)],
    ['a reply with a reason', 'not now', (_id, message) => stage.sends(replyTo(message, 'reject not now'))],
    ['a plain no', 'because of tests', (_id, message) => stage.sends(replyTo(message, 'No, because of tests'))],
    ['❌', '', (_id, message) => stage.phone.react(message, '❌')],
  ];
  test.each(noes)('rejected by %s', async (_way, reason, say) => {
    const id = `no-${noes.findIndex(([, , way]) => way === say)}`;
    const { message, view } = await stage.asksFor(id);
    const { command, files } = await commandOf(await say(id, message.event_id));
    expect(command).toMatchObject({ kind: 'reject', subject: { task: id, digest: view.digest, reason } });
    for (const file of files) await stage.runner.judge(file);
    await stage.phone.showsAt(message.event_id, [`🚫 Rejected: ${id}.md`]);
  });

  test('a request that was replaced: each answer binds to the message that it answers, a name to the newest', async () => {
    const first = await stage.asksFor('again', {}, 'the first plan');
    const second = await stage.asksFor('again', {}, 'the second plan');
    expect(first.view.digest).not.toBe(second.view.digest);
    const old = await commandOf(await stage.phone.react(first.message.event_id, '✅'));
    expect(old.command.subject).toMatchObject({ digest: first.view.digest });
    const named = await commandOf(await stage.phone.say('approve again.md'));
    expect(named.command.subject).toMatchObject({ digest: second.view.digest });
    for (const file of old.files) await stage.runner.judge(file, 'that is not what waits now');
    for (const file of named.files) await stage.runner.judge(file);
  });
});

describe('the room is told', () => {
  test('why the runner refuses a decision, in answer to it', async () => {
    await stage.asksFor('refused');
    const evidence = await stage.phone.say('approve refused');
    for (const file of (await commandOf(evidence)).files)
      await stage.runner.judge(file, 'refused is approved already; look at <b>what</b> runs');
    expect(await stage.phone.answerTo(evidence)).toContain('refused is approved already');
  });

  test('lines that were sent from the shell, in their order and as they are', async () => {
    const lines = ['TEST FROM MINI', '{"a": "b\\"}', 'two\nlines', '<b>not bold</b> *nor this*'];
    for (const line of lines) await stage.runner.send(line);
    await stage.phone.receives([lines.at(-1) ?? '']);
    const bodies = (await stage.phone.received()).map(({ content }) => content['body']);
    expect(bodies.filter((body) => lines.includes(String(body)))).toEqual(lines);
  });

  test('nothing twice, and nothing became two commands', async () => {
    const bodies = (await stage.phone.received()).map(({ content }) => content['body']);
    const verdicts = bodies.filter((body) => /is (?:approved|rejected)/.test(String(body)));
    expect(verdicts).toHaveLength(new Set(verdicts).size);
    const evidence = [...stage.runner.taken.values()].map((command) => command.evidence);
    expect(evidence).toHaveLength(new Set(evidence).size);
    expect(await stage.home.spooled()).toEqual([]);
  });
});
